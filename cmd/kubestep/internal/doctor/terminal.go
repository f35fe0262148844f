package doctor

import (
	"fmt"
	"strings"

	"golang.org/x/term"
)

// The smallest screen, and the one that shows everything at once.
const (
	leastWidth, leastHeight = 80, 24
	goodWidth, goodHeight   = 120, 40
)

func terminal(w World) []Check {
	get := func(name string) string { v, _ := w.Env(name); return v }
	return []Check{screen(w), colours(get), locale(get)}
}

func screen(w World) Check {
	c := Check{Name: "terminal", Result: OK}
	fd := int(w.Stdout.Fd())
	width, height, err := term.GetSize(fd)
	if !term.IsTerminal(fd) || err != nil {
		c.Result, c.Detail = Warn, "the output is not a terminal"
		c.Advice = "the screens need one; `kubestep up` and `kubestep trace` do not"
		return c
	}
	c.Detail = fmt.Sprintf("%d columns, %d lines", width, height)
	switch {
	case width < leastWidth || height < leastHeight:
		c.Result, c.Advice = Warn, fmt.Sprintf("enlarge it to at least %dx%d", leastWidth, leastHeight)
	case width < goodWidth || height < goodHeight:
		c.Advice = fmt.Sprintf("it is at its best from %dx%d on", goodWidth, goodHeight)
	}
	return c
}

func colours(get func(string) string) Check {
	c := Check{Name: "colours", Result: OK}
	name := get("TERM")
	switch {
	case get("NO_COLOR") != "":
		c.Detail = "off, because NO_COLOR is set; nothing is shown by colour alone"
	case name == "" || name == "dumb":
		c.Result, c.Detail = Warn, fmt.Sprintf("TERM is %q", name)
		c.Advice = "the screens need a terminal that moves its cursor, such as TERM=xterm-256color"
	case get("COLORTERM") == "truecolor" || get("COLORTERM") == "24bit":
		c.Detail = "16 million (" + name + ")"
	case strings.Contains(name, "256"):
		c.Detail = "256 (" + name + ")"
	default:
		c.Detail = "16 (" + name + ")"
	}
	return c
}

func locale(get func(string) string) Check {
	c := Check{Name: "characters", Result: OK}
	value := "" // the first of these that is set counts, after POSIX
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value = get(name); value != "" {
			break
		}
	}
	upper := strings.ToUpper(value)
	if strings.Contains(upper, "UTF-8") || strings.Contains(upper, "UTF8") {
		c.Detail = value
		return c
	}
	c.Result, c.Detail = Warn, fmt.Sprintf("the locale is %q, not a UTF-8 one", value)
	c.Advice = "if lines and Chinese look broken, run: export LANG=C.UTF-8"
	return c
}
