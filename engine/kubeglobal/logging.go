package kubeglobal

import (
	"flag"
	"io"
	"log"
	"strconv"

	"github.com/go-logr/logr"
	"github.com/sirupsen/logrus"
	"go.opentelemetry.io/otel"
	"google.golang.org/grpc/grpclog"
	logsapi "k8s.io/component-base/logs/api/v1"
	"k8s.io/klog/v2"
)

// setLogging sends everything that any linked library logs to w. Each of them writes to stderr unless told otherwise,
// and would tear the screen.
func setLogging(w io.Writer, verbosity int) error {
	// klog without a logger, for what logs before the next step or calls klog.ClearLogger later.
	flags := flag.NewFlagSet("klog", flag.ContinueOnError)
	klog.InitFlags(flags)
	for name, value := range map[string]string{
		"logtostderr": "false", "alsologtostderr": "false", "stderrthreshold": "FATAL",
		"one_output": "true", "v": strconv.Itoa(verbosity),
	} {
		if err := flags.Set(name, value); err != nil {
			return err
		}
	}
	klog.SetOutput(w)

	// klog, contextual logging and log/slog's default, as the components' own commands do it. A component that does it
	// again gets an error instead of its terminal back.
	logsapi.ReapplyHandling = logsapi.ReapplyHandlingError
	config := logsapi.NewLoggingConfiguration()
	config.Verbosity = logsapi.VerbosityLevel(verbosity)
	streams := &logsapi.LoggingOptions{ErrorStream: w, InfoStream: w}
	if err := logsapi.ValidateAndApplyWithOptions(config, streams, nil); err != nil {
		return err
	}

	log.SetOutput(w)
	logrus.SetOutput(w)
	grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, w, w)) // its info level tells of every connection
	otel.SetLogger(logr.Discard())
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { klog.ErrorS(err, "OpenTelemetry") }))
	return nil
}
