package tap

import (
	"bytes"
	"io"
	"net/http"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	v1 "k8s.io/api/core/v1"

	"github.com/kubestep/kubestep/engine/trace"
)

// echo answers every request with what was sent.
type echo struct{ header http.Header }

func (e echo) RoundTrip(req *http.Request) (*http.Response, error) {
	raw, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusCreated, Header: e.header, ContentLength: int64(len(raw)), Body: io.NopCloser(bytes.NewReader(raw)),
	}, nil
}

func encoded(b *testing.B, object runtime.Object) []byte {
	b.Helper()
	info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	raw, err := runtime.Encode(scheme.Codecs.EncoderForVersion(info.Serializer, v1.SchemeGroupVersion), object)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

// BenchmarkRequest measures what the tap adds to a request: the transport below costs nothing.
func BenchmarkRequest(b *testing.B) {
	raw := encoded(b, pod("web", "7"))
	header := http.Header{"Content-Type": {runtime.ContentTypeProtobuf}}
	t := trace.NewTap(trace.NewStore(trace.Limits{Events: 1000}), nil)
	wrapped := New(t, Client{Actor: "replicaset-controller"})(echo{header})
	b.ReportAllocs()
	for b.Loop() {
		req, err := http.NewRequestWithContext(b.Context(), http.MethodPost,
			"http://127.0.0.1/api/v1/namespaces/default/pods", bytes.NewReader(raw))
		if err != nil {
			b.Fatal(err)
		}
		req.Header = header
		resp, err := wrapped.RoundTrip(req)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDelivery measures what the tap adds to one event of a watch.
func BenchmarkDelivery(b *testing.B) {
	info, _ := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), runtime.ContentTypeProtobuf)
	var frame bytes.Buffer
	event := &metav1.WatchEvent{Type: "MODIFIED", Object: runtime.RawExtension{Raw: encoded(b, pod("web", "7"))}}
	if err := info.StreamSerializer.Encode(event, info.StreamSerializer.NewFrameWriter(&frame)); err != nil {
		b.Fatal(err)
	}
	t := trace.NewTap(trace.NewStore(trace.Limits{Events: 1000}), nil)
	s := &stream{
		client: &client{Client: Client{Actor: "kube-scheduler"}, tap: t}, ctx: b.Context(), mediaType: runtime.ContentTypeProtobuf,
		split: splitter{framing: lengths}, body: io.NopCloser(repeat{frame.Bytes()}),
	}
	p := make([]byte, frame.Len())
	b.ReportAllocs()
	for b.Loop() {
		if _, err := io.ReadFull(s, p); err != nil {
			b.Fatal(err)
		}
	}
}

// repeat gives out the same bytes for ever.
type repeat struct{ frame []byte }

func (r repeat) Read(p []byte) (int, error) { return copy(p, r.frame), nil }
