// A minimal InfluxDB 2 server for tests, from the launcher package of InfluxDB's own Go module.
package main

import (
	"context"
	"fmt"
	"os"

	influxdb "github.com/influxdata/influxdb/v2"
	"github.com/influxdata/influxdb/v2/cmd/influxd/launcher"
	_ "github.com/influxdata/influxdb/v2/tsdb/engine/tsm1"
	_ "github.com/influxdata/influxdb/v2/tsdb/index/tsi1"
	"github.com/spf13/viper"
)

func main() {
	influxdb.SetBuildInfo("v2.7.12", "module", "")
	command, err := launcher.NewInfluxdCommand(context.Background(), viper.New())
	if err == nil {
		command.SilenceUsage = true
		err = command.Execute()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
