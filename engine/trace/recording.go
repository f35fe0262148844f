package trace

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// A recording is a stream of JSON lines, gzip-compressed or plain: first a [Header], then events. An event that changes
// (it ended, its cause became known) is written again; the later line replaces the earlier one with the same Seq.

// Format and FormatVersion name the recordings that this package writes.
const (
	Format        = "kubestep.dev/recording"
	FormatVersion = 1
)

// Header is a recording's first line.
type Header struct {
	Format  string    `json:"format"`
	Version int       `json:"version"`
	Created time.Time `json:"created"`
	// Kubernetes is the version of the recorded cluster, "v1.36.3".
	Kubernetes string `json:"kubernetes,omitempty"`
	Nodes      int    `json:"nodes,omitempty"`
	Seed       int64  `json:"seed,omitempty"`
	// Command is the kubectl command line that was traced, when there was one.
	Command []string `json:"command,omitempty"`
}

// ErrRecording is the class of everything that can be wrong with a recording's content.
var ErrRecording = errors.New("not a readable recording")

// Record writes what store has and what is added to it until ctx ends, then what was added last, and returns. A nil
// error means that the recording is complete. w is not closed.
func Record(ctx context.Context, w io.Writer, h Header, store *Store) error {
	zip := gzip.NewWriter(w)
	out := json.NewEncoder(zip)
	out.SetEscapeHTML(false)
	h.Format, h.Version = Format, FormatVersion
	if err := out.Encode(h); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	var at Cursor
	for {
		waited := store.Wait(ctx, at)
		batch := store.Since(at)
		at = batch.Next
		for i := range batch.Events {
			if err := out.Encode(&batch.Events[i]); err != nil {
				return fmt.Errorf("write recording: %w", err)
			}
		}
		if waited != nil {
			break
		}
		// What is flushed survives a kill.
		if err := zip.Flush(); err != nil {
			return fmt.Errorf("write recording: %w", err)
		}
	}
	if err := zip.Close(); err != nil {
		return fmt.Errorf("write recording: %w", err)
	}
	return nil
}

// ReadRecording reads a recording into a new store. A recording that ends in the middle, because its writer was killed,
// is read as far as it goes; anything else that is wrong is an [ErrRecording] that names the line.
func ReadRecording(r io.Reader) (Header, *Store, error) {
	h, store, err := Salvage(r)
	switch {
	case errors.Is(err, ErrCutOff):
		return h, store, nil
	case err != nil:
		return h, nil, err
	}
	return h, store, nil
}

// maxGap bounds how far a recording's numbers may jump: a recorder that is too slow misses what has been dropped.
const maxGap = 1_000_000

// details makes an empty detail of each kind, for reading.
var details = map[Kind]func() Detail{
	APIRequest:      func() Detail { return new(RequestDetail) },
	APIStage:        func() Detail { return new(StageDetail) },
	EtcdCommit:      func() Detail { return new(CommitDetail) },
	WatchDeliver:    func() Detail { return new(DeliverDetail) },
	SchedPhase:      func() Detail { return new(SchedDetail) },
	CRICall:         func() Detail { return new(CRIDetail) },
	NetHop:          func() Detail { return new(HopDetail) },
	DNSQuery:        func() Detail { return new(DNSDetail) },
	NetFault:        func() Detail { return new(FaultDetail) },
	ProgramRequests: func() Detail { return new(RequestsDetail) },
}

// UnmarshalJSON reads an event whose detail's type follows from its kind. A kind that this version does not know keeps
// its common fields and loses its detail.
func (e *Event) UnmarshalJSON(raw []byte) error {
	type plain Event // without this method
	aux := struct {
		*plain
		Detail json.RawMessage `json:"detail"`
	}{plain: (*plain)(e)}
	if err := json.Unmarshal(raw, &aux); err != nil {
		return err
	}
	e.Detail = nil
	make, known := details[e.Kind]
	if !known || len(aux.Detail) == 0 || string(aux.Detail) == "null" {
		return nil
	}
	e.Detail = make()
	return json.Unmarshal(aux.Detail, e.Detail)
}
