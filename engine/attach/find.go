package attach

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/kubestep/kubestep/engine"
)

// Socket is the name of a lab's socket in its directory, for [Find].
const Socket = "lab.sock"

// Entry is a lab that runs.
type Entry struct {
	Path  string // of its socket
	Hello Hello
}

// findWait bounds how long one lab may take to answer.
const findWait = 2 * time.Second

// Find returns the labs that offer themselves in dir, as dir/Socket or dir/NAME/Socket, the youngest first. What killed
// ones have left there is removed; one that lives and does not answer is left out. A dir that is not there holds none.
func Find(ctx context.Context, dir string) ([]Entry, error) {
	var paths []string
	for _, pattern := range []string{Socket, filepath.Join("*", Socket)} {
		found, err := fs.Glob(os.DirFS(dir), filepath.ToSlash(pattern))
		if err != nil {
			return nil, err
		}
		for _, p := range found {
			paths = append(paths, filepath.Join(dir, filepath.FromSlash(p)))
		}
	}
	var entries []Entry
	for _, path := range paths {
		lock, err := takeLock(path)
		if err == nil {
			_ = os.Remove(path)
			_ = lock.release()
			continue
		}
		if !errors.Is(err, engine.ErrInUse) {
			continue // another user's, or gone by now
		}
		if hello, err := greet(ctx, path); err == nil && hello.Protocol == Protocol {
			entries = append(entries, Entry{path, hello})
		}
	}
	slices.SortFunc(entries, func(a, b Entry) int { return b.Hello.Began.Compare(a.Hello.Began) })
	return entries, ctx.Err()
}

func greet(ctx context.Context, path string) (h Hello, err error) {
	ctx, cancel := context.WithTimeout(ctx, findWait)
	defer cancel()
	c := &Client{path: path, http: httpClient(path)}
	defer c.http.CloseIdleConnections()
	err = c.call(ctx, http.MethodGet, "/hello", nil, &h)
	return h, err
}
