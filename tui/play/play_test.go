package play_test

import (
	"github.com/kubestep/kubestep/engine/course"
	"github.com/kubestep/kubestep/tui/play"
)

var _ play.Session = (*course.Session)(nil)
