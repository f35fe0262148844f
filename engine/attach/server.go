package attach

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/kubestep/kubestep/engine"
	"github.com/kubestep/kubestep/engine/trace"
)

// Server offers a lab on a socket that listens already.
type Server struct {
	listener net.Listener
	lock     *lockFile
	hello    Hello
}

// Listen makes the socket, in a directory that it makes with mode 0700 when it is not there. The socket of a process that
// was killed is replaced; that of one that lives is an [engine.ErrInUse]. Run must be called to free it.
func Listen(path string) (*Server, error) {
	l, lock, err := listen(path)
	if err != nil {
		return nil, err
	}
	return &Server{l, lock, Hello{Protocol: Protocol, Version: Version, PID: os.Getpid(), Began: time.Now()}}, nil
}

// Serve offers lab on a socket at path until ctx ends, which is no error. It neither starts nor stops the lab.
func Serve(ctx context.Context, lab engine.Lab, path string) error {
	s, err := Listen(path)
	if err != nil {
		return err
	}
	return s.Run(ctx, lab)
}

const (
	// stopWait is for the last answers. A step that still waits is answered when ctx ends.
	stopWait = time.Second
	// headerWait bounds how long a client may take for a request's header.
	headerWait = 10 * time.Second
	// maxRequest bounds what a client may send: a command.
	maxRequest = 1 << 20
)

// Run answers until ctx ends, which is no error, and then removes the socket. It is called once.
func (s *Server) Run(ctx context.Context, lab engine.Lab) (err error) {
	defer func() { err = errors.Join(err, s.lock.release()) }()
	h := &http.Server{
		Handler: s.routes(lab), ReadHeaderTimeout: headerWait,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	failed := make(chan error, 1)
	go func() { failed <- h.Serve(s.listener) }()
	select {
	case err := <-failed:
		return fmt.Errorf("offering the lab to other terminals: %w", err)
	case <-ctx.Done():
	}
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWait)
	defer cancel()
	if h.Shutdown(stopping) != nil {
		_ = h.Close() // who still listens now has been told by the end of the stream
	}
	<-failed
	return nil
}

func (s *Server) routes(lab engine.Lab) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.hello, nil) })
	mux.HandleFunc("GET /v1/events", func(w http.ResponseWriter, r *http.Request) { stream(w, r, lab.Events()) })
	mux.HandleFunc("GET /v1/status", func(w http.ResponseWriter, r *http.Request) {
		generation, wait, err := number(r, "generation")
		status := lab.Status()
		if err == nil && wait {
			status, err = lab.WaitStatus(r.Context(), generation)
		}
		reply(w, statusReply{status.Generation, status}, err)
	})
	mux.HandleFunc("GET /v1/debug", func(w http.ResponseWriter, r *http.Request) {
		generation, wait, err := number(r, "generation")
		state := lab.Debugger().State()
		if err == nil && wait {
			state, err = lab.Debugger().WaitState(r.Context(), generation)
		}
		reply(w, state, err)
	})
	mux.HandleFunc("POST /v1/debug", func(w http.ResponseWriter, r *http.Request) {
		var c engine.Command
		if err := read(w, r, &c); err != nil {
			reply(w, nil, err)
			return
		}
		state, err := lab.Debugger().Do(r.Context(), c)
		replyDone(w, doneReply{State: &state, Cursor: end(lab.Events())}, err)
	})
	mux.HandleFunc("POST /v1/settle", func(w http.ResponseWriter, r *http.Request) {
		var s settleRequest
		err := read(w, r, &s)
		if err == nil {
			err = lab.Debugger().Settle(r.Context(), s.Quiet)
		}
		replyDone(w, doneReply{Cursor: end(lab.Events())}, err)
	})
	mux.HandleFunc("GET /v1/faults", func(w http.ResponseWriter, r *http.Request) {
		state, err := lab.Faults().State(r.Context())
		reply(w, state, err)
	})
	mux.HandleFunc("POST /v1/faults", func(w http.ResponseWriter, r *http.Request) {
		var c engine.FaultCommand
		if err := read(w, r, &c); err != nil {
			reply(w, nil, err)
			return
		}
		state, err := lab.Faults().Do(r.Context(), c)
		replyDone(w, doneReply{Faults: &state, Cursor: end(lab.Events())}, err)
	})
	mux.HandleFunc("GET /v1/history/at", func(w http.ResponseWriter, r *http.Request) {
		seq, _, err := number(r, "seq")
		var snapshot engine.Snapshot
		if err == nil {
			snapshot, err = lab.History().At(r.Context(), seq)
		}
		reply(w, snapshot, err)
	})
	mux.HandleFunc("GET /v1/history/object", func(w http.ResponseWriter, r *http.Request) {
		seq, _, err := number(r, "seq")
		var o objectReply
		if err == nil {
			o.Object, o.OK, err = lab.History().Object(r.Context(), objectOf(r.URL.Query()), seq)
		}
		reply(w, o, err)
	})
	return mux
}

// stream writes events until the client goes or the server stops. A client that is slower than the lab loses events, and
// is told how many.
func stream(w http.ResponseWriter, r *http.Request, store *trace.Store) {
	n, _, err := number(r, "cursor")
	if err != nil {
		reply(w, nil, err)
		return
	}
	w.Header().Set("Content-Type", "application/jsonl")
	out, flush := json.NewEncoder(w), http.NewResponseController(w)
	out.SetEscapeHTML(false)
	for at := trace.Cursor(n); ; {
		batch := store.Since(at)
		for i := range batch.Events {
			if out.Encode(streamLine{Event: &batch.Events[i]}) != nil {
				return
			}
		}
		at = batch.Next
		if out.Encode(streamLine{Next: &at, Lost: batch.Lost}) != nil || flush.Flush() != nil {
			return
		}
		if store.Wait(r.Context(), at) != nil {
			return
		}
	}
}

// end returns the cursor after everything that is in the store.
func end(store *trace.Store) trace.Cursor { return store.Since(math.MaxUint64).Next }

func reply(w http.ResponseWriter, body any, err error) {
	code := http.StatusOK
	if err != nil {
		var e doneReply
		e.Error, code = encodeError(err)
		body = e
	}
	write(w, code, body)
}

func replyDone(w http.ResponseWriter, d doneReply, err error) {
	code := http.StatusOK
	if err != nil {
		d.Error, code = encodeError(err)
	}
	write(w, code, d)
}

func write(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	_ = out.Encode(body) // the client has gone
}

func read(w http.ResponseWriter, r *http.Request, into any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxRequest)).Decode(into); err != nil {
		return fmt.Errorf("%w: the request's body: %w", engine.ErrUsage, err)
	}
	return nil
}

// number returns a query parameter, and whether there is one.
func number(r *http.Request, name string) (n uint64, given bool, err error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return 0, false, nil
	}
	if n, err = strconv.ParseUint(text, 10, 64); err != nil {
		return 0, true, fmt.Errorf("%w: %s=%s is not a number", engine.ErrUsage, name, text)
	}
	return n, true, nil
}
