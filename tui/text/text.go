// Package text has every string that a reader sees, in English and Chinese. The field's own terms (Pod, Deployment,
// binding, revision) and what the API says are the same in both.
//
// Every package of tui may import it; it imports nothing of ours.
package text

import (
	"fmt"
	"strings"
)

// Lang is a language of the interface.
type Lang int

// The languages.
const (
	English Lang = iota
	Chinese
	langs
)

// Parse returns the language that a tag or a locale asks for: "zh", "zh-CN" and "zh_CN.UTF-8" mean Chinese, everything
// else English.
func Parse(s string) Lang {
	if strings.HasPrefix(strings.ToLower(s), "zh") {
		return Chinese
	}
	return English
}

// Next returns the language that the switch goes to.
func (l Lang) Next() Lang { return (l + 1) % langs }

// Tag returns the language's tag, as lessons have it: "en", "zh".
func (l Lang) Tag() string { return [langs]string{"en", "zh"}[l] }

// Printer says things in one language. The zero Printer speaks English.
type Printer struct{ lang Lang }

// In returns a printer for a language.
func In(l Lang) Printer { return Printer{l} }

// Lang returns the printer's language.
func (p Printer) Lang() Lang { return p.lang }

// T returns the text with the given ID, with args put in as fmt does.
func (p Printer) T(id ID, args ...any) string {
	if id <= 0 || id >= ids {
		return ""
	}
	s := catalogue[id][p.lang]
	if len(args) == 0 {
		return s
	}
	return fmt.Sprintf(s, args...)
}
