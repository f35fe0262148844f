package tap

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"

	"github.com/kubestep/kubestep/engine/trace"
)

// encodings are what clients of the API server speak.
var encodings = []string{runtime.ContentTypeJSON, runtime.ContentTypeProtobuf}

// server is as much of an API server as the tests need: it answers in the client's encoding.
type server struct {
	t *testing.T
	*httptest.Server

	mu       sync.Mutex
	requests []*http.Request
	events   chan metav1.WatchEvent // what watches send
}

func newServer(t *testing.T) *server {
	s := &server{t: t, events: make(chan metav1.WatchEvent)}
	s.Server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.Close)
	return s
}

// client returns a tapped client and the store that the tap fills.
func (s *server) client(encoding string, gate trace.Gate, c Client) (kubernetes.Interface, *trace.Store) {
	s.t.Helper()
	store := trace.NewStore(trace.Limits{})
	config := &rest.Config{Host: s.URL, ContentConfig: rest.ContentConfig{
		ContentType: encoding, AcceptContentTypes: encoding,
	}}
	config.Wrap(New(trace.NewTap(store, gate), c))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		s.t.Fatal(err)
	}
	return client, store
}

func (s *server) seen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.requests)
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	s.requests = append(s.requests, r)
	s.mu.Unlock()
	encoding := r.Header.Get("Accept")
	info, ok := runtime.SerializerInfoForMediaType(scheme.Codecs.SupportedMediaTypes(), strings.Split(encoding, ",")[0])
	if !ok {
		s.t.Errorf("a client accepts %q", encoding)
		return
	}
	if r.URL.Query().Get("watch") != "" {
		s.watch(w, r, info)
		return
	}
	status, object := s.answer(r)
	w.Header().Set("Content-Type", info.MediaType)
	w.WriteHeader(status)
	kinds, _, err := scheme.Scheme.ObjectKinds(object)
	if err != nil {
		s.t.Error(err)
		return
	}
	if err := scheme.Codecs.EncoderForVersion(info.Serializer, kinds[0].GroupVersion()).Encode(object, w); err != nil {
		s.t.Error(err)
	}
}

func (s *server) answer(r *http.Request) (int, runtime.Object) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		s.t.Error(err)
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/missing"):
		e := errors.NewNotFound(schema.GroupResource{Resource: "pods"}, "missing")
		return http.StatusNotFound, &e.ErrStatus
	case r.Method == http.MethodPost:
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(body, nil, nil)
		if err != nil {
			s.t.Errorf("the server got %q: %v", body, err)
			return http.StatusBadRequest, &metav1.Status{}
		}
		if binding, ok := object.(*v1.Binding); ok {
			return http.StatusCreated, &metav1.Status{Status: metav1.StatusSuccess, Message: "bound " + binding.Name}
		}
		if pod, ok := object.(*v1.Pod); ok {
			pod.UID, pod.ResourceVersion = "uid-1", "7"
			if pod.Name == "" {
				pod.Name = pod.GenerateName + "abcde"
			}
		}
		return http.StatusCreated, object
	case r.Method == http.MethodDelete:
		return http.StatusOK, &metav1.Status{Status: metav1.StatusSuccess}
	case strings.HasSuffix(r.URL.Path, "/pods"):
		return http.StatusOK, &v1.PodList{}
	}
	return http.StatusOK, pod("web", "9")
}

func (s *server) watch(w http.ResponseWriter, r *http.Request, info runtime.SerializerInfo) {
	contentType := info.MediaType
	if info.MediaType == runtime.ContentTypeProtobuf {
		contentType += ";stream=watch"
	}
	w.Header().Set("Content-Type", contentType)
	w.(http.Flusher).Flush()
	frames := info.StreamSerializer.NewFrameWriter(w)
	for {
		select {
		case e := <-s.events:
			object, err := runtime.Encode(scheme.Codecs.EncoderForVersion(info.Serializer, v1.SchemeGroupVersion), e.Object.Object)
			if err != nil {
				s.t.Error(err)
				return
			}
			e.Object = runtime.RawExtension{Raw: object}
			if err := info.StreamSerializer.Encode(&e, frames); err != nil {
				return // the client has gone
			}
			w.(http.Flusher).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func pod(name, resourceVersion string) *v1.Pod {
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: "default", Name: name, UID: "uid-1", ResourceVersion: resourceVersion,
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "owner-1"}},
	}}
}

// holding is a gate that holds what matches until it is told to let go.
type holding struct {
	match func(e *trace.Event) bool
	held  chan trace.Event
	go_   chan struct{}
}

func hold(match func(e *trace.Event) bool) *holding {
	return &holding{match: match, held: make(chan trace.Event, 16), go_: make(chan struct{})}
}

func (h *holding) Admit(ctx context.Context, e *trace.Event) error {
	if !h.match(e) {
		return nil
	}
	h.held <- *e
	select {
	case <-h.go_:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// within returns what comes from c, or fails the test.
func within[T any](t *testing.T, c <-chan T, what string) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("%s: channel is closed", what)
		}
		return v
	case <-time.After(10 * time.Second):
		t.Fatalf("%s did not come", what)
	}
	panic("unreachable")
}

// events returns the store's events that are of a kind, by Seq.
func events(store *trace.Store, kind trace.Kind) []trace.Event {
	return slices.DeleteFunc(store.Since(0).Events, func(e trace.Event) bool { return e.Kind != kind })
}

func only(t *testing.T, list []trace.Event) trace.Event {
	t.Helper()
	if len(list) != 1 {
		t.Fatalf("there are %d events: %s", len(list), describe(list))
	}
	return list[0]
}

func describe(list []trace.Event) string {
	var b strings.Builder
	for _, e := range list {
		fmt.Fprintf(&b, "\n  %d %s %s %s %s", e.Seq, e.Actor, e.Kind, e.Verb, e.Object)
	}
	return b.String()
}

// clientOf returns a JSON client whose transport reports to t.
func (s *server) clientOf(t *testing.T, tapped *trace.Tap) kubernetes.Interface {
	t.Helper()
	config := &rest.Config{Host: s.URL}
	config.Wrap(New(tapped, Client{Actor: "kube-scheduler"}))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return client
}
