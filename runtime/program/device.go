package program

import (
	"io/fs"
	"time"
)

// deviceInfo describes a character device that anybody may write to.
type deviceInfo struct{}

func (deviceInfo) Name() string       { return "null" }
func (deviceInfo) Size() int64        { return 0 }
func (deviceInfo) Mode() fs.FileMode  { return fs.ModeDevice | fs.ModeCharDevice | 0o666 }
func (deviceInfo) ModTime() time.Time { return time.Time{} }
func (deviceInfo) IsDir() bool        { return false }
func (deviceInfo) Sys() any           { return nil }
