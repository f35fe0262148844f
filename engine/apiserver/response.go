package apiserver

import (
	"encoding/json"
	"net/http"

	"github.com/kubestep/kubestep/engine/trace"
	"github.com/kubestep/kubestep/engine/wire"
)

// capture keeps a response's status and, when asked to or when it is an error, its body. It belongs to one request's
// goroutine.
type capture struct {
	http.ResponseWriter
	body bool // keep the body of a success, too

	status int
	raw    []byte
	over   bool // the body was too long to keep
}

// Unwrap returns the writer beneath, for responsewriter.WrapForHTTP1Or2.
func (c *capture) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (c *capture) WriteHeader(status int) {
	if c.status == 0 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *capture) Write(p []byte) (int, error) {
	if c.status == 0 {
		c.status = http.StatusOK
	}
	if (c.body || c.status >= http.StatusBadRequest) && !c.over {
		if c.over = len(c.raw)+len(p) > maxBody; c.over {
			c.raw = nil
		} else {
			c.raw = append(c.raw, p...)
		}
	}
	return c.ResponseWriter.Write(p)
}

// result returns what completes a request's event. It is to be called when the request is over; the function that it
// returns costs nothing, because it is called while others wait.
func (c *capture) result(detail trace.RequestDetail) func(e *trace.Event) {
	detail.Status = c.status
	var got wire.Meta
	var refusal string
	if len(c.raw) > 0 && c.Header().Get("Content-Encoding") == "" {
		contentType := c.Header().Get("Content-Type")
		detail.Response = trace.NewBody(contentType, c.raw, wire.Decode)
		got, _ = wire.Read(contentType, c.raw)
		if c.status >= http.StatusBadRequest {
			refusal = message(contentType, c.raw)
		}
	}
	return func(e *trace.Event) {
		if seen, ok := e.Detail.(*trace.RequestDetail); ok { // put there meanwhile by who saw the commit
			detail.Before, detail.After = seen.Before, seen.After
		}
		e.Detail = &detail
		e.Error = refusal
		if got.Kind != "" && got.Kind != "Status" && (got.Kind == e.Object.Kind || e.Object.Kind == "") {
			e.Object, e.Refs, e.ResourceVersion = got.Object(), got.Refs(), got.ResourceVersion
		}
	}
}

// message returns what a Status says.
func message(contentType string, raw []byte) string {
	decoded, err := wire.Decode(contentType, raw)
	if err != nil {
		return ""
	}
	var status struct{ Message string }
	if json.Unmarshal(decoded, &status) != nil {
		return ""
	}
	return status.Message
}
