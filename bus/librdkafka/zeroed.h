/* Read before every file of librdkafka: .cargo/config.toml, docs/decisions/0027-zeroed-librdkafka.md.
 * What it allocates begins as zeros, as its own code takes for granted in a place that a broker which starts leads to. */
#ifndef _GNU_SOURCE /* as librdkafka says itself, before what it includes */
#define _GNU_SOURCE
#endif
#include <stdlib.h>
#ifdef __linux__
#include <malloc.h>
#endif
#define malloc(size) calloc(1, size)
