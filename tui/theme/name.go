package theme

import (
	"fmt"
	"slices"
	"strings"
)

// Name is what a reader calls a theme.
type Name string

// The themes by name. Auto is dark or light as the terminal's background is.
const (
	Auto         Name = "auto"
	Dark         Name = "dark"
	Light        Name = "light"
	HighContrast Name = "high-contrast"
	None         Name = "none"
)

// Names returns every name, in the order in which they are offered.
func Names() []Name { return []Name{Auto, Dark, Light, HighContrast, None} }

// ParseName returns the theme that s names; "" means [Auto].
func ParseName(s string) (Name, error) {
	if s == "" {
		return Auto, nil
	}
	if n := Name(s); slices.Contains(Names(), n) {
		return n, nil
	}
	var all []string
	for _, n := range Names() {
		all = append(all, string(n))
	}
	return Auto, fmt.Errorf("there is no theme %q; there are %s", s, strings.Join(all, ", "))
}

// Named returns the theme with a name. dark says what the terminal's background is like; [Dark] and [Light] do not ask.
func Named(n Name, dark bool) Theme {
	switch n {
	case Dark:
		return New(true)
	case Light:
		return New(false)
	case HighContrast:
		return Contrast(dark)
	case None:
		return NoColor()
	}
	return New(dark)
}
