"""open311.py URL KEY   a city's Open311 server, as `three` sees it, a client of others' for GeoReport v2 (PyPI)

Lists, a description, a request that is reported and read again. In JSON: its XML is for Python 2 alone. It ends with 1 at
the first thing that is not as the standard says.
"""

import itertools
import sys

# `three` asks for a name that Python 3 has under another one.
itertools.ifilter = filter
from three import Three  # noqa: E402

endpoint, key = sys.argv[1:]
city = Three(f"{endpoint}/open311/v2", api_key=key)
codes = [service["service_code"] for service in city.services()]
assert "0402" in codes, codes
described = city.services("0402")
assert described["service_code"] == "0402", described

said = {"description": "积水 & mud", "lat": "39.92", "long": "116.42", "attribute[danger]": "no"}
number = city.post("0402", **said)[0]["service_request_id"]
read = city.request(number)[0]
assert (read["service_request_id"], read["status"], read["service_code"]) == (number, "open", "0402"), read
assert read["description"] == said["description"], read
assert abs(float(read["lat"]) - 39.92) < 1e-3 and abs(float(read["long"]) - 116.42) < 1e-3, read
listed = [request["service_request_id"] for request in city.requests(status="open")]
assert number in listed, listed
print(f"open311: {len(codes)} services, the request {number} reported and read by three")
