package kubelet

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
	"go.opentelemetry.io/otel/trace/noop"
)

// podUIDKey is the attribute by which upstream's spans of one Pod's sync name the Pod (kubelet.go, SyncPod).
const podUIDKey = attribute.Key("k8s.pod.uid")

// tracerProvider records no spans. It uses the places where upstream starts one to put into the context what caused the
// work that follows.
type tracerProvider struct {
	embedded.TracerProvider
	noop trace.TracerProvider
	// onTracer is called whenever a tracer is asked for.
	onTracer func()
	// onSync is called when a span about a Pod begins.
	onSync func(ctx context.Context, span, podUID string) context.Context
}

func newTracerProvider(onSync func(context.Context, string, string) context.Context, onTracer func()) *tracerProvider {
	return &tracerProvider{noop: noop.NewTracerProvider(), onSync: onSync, onTracer: onTracer}
}

// Tracer implements [trace.TracerProvider].
func (p *tracerProvider) Tracer(name string, options ...trace.TracerOption) trace.Tracer {
	if p.onTracer != nil {
		p.onTracer()
	}
	return &tracer{noop: p.noop.Tracer(name, options...), onSync: p.onSync}
}

type tracer struct {
	embedded.Tracer
	noop   trace.Tracer
	onSync func(ctx context.Context, span, podUID string) context.Context
}

// Start implements [trace.Tracer].
func (t *tracer) Start(ctx context.Context, name string, options ...trace.SpanStartOption) (context.Context, trace.Span) {
	if t.onSync != nil {
		config := trace.NewSpanStartConfig(options...)
		for _, a := range config.Attributes() {
			if a.Key == podUIDKey {
				ctx = t.onSync(ctx, name, a.Value.AsString())
				break
			}
		}
	}
	return t.noop.Start(ctx, name, options...)
}
