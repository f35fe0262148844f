//go:build !unix

package canvas

import "context"

// Resized returns when ctx ends: here nobody tells of a change of size.
func Resized(ctx context.Context, _ func()) { <-ctx.Done() }
