package text

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

var verbs = regexp.MustCompile(`%[a-z]`)

func TestEveryTextIsInEveryLanguage(t *testing.T) {
	for id := ID(1); id < ids; id++ {
		for lang := range langs {
			if strings.TrimSpace(catalogue[id][lang]) == "" {
				t.Errorf("text %d (%q) is missing in language %d", id, catalogue[id][English], lang)
			}
		}
		en, zh := verbs.FindAllString(catalogue[id][English], -1), verbs.FindAllString(catalogue[id][Chinese], -1)
		if !reflect.DeepEqual(en, zh) {
			t.Errorf("text %d takes %v in English and %v in Chinese: %q", id, en, zh, catalogue[id][English])
		}
	}
}

// sources parses the interface's Go files but the tests.
func sources(t *testing.T) map[string]*ast.File {
	t.Helper()
	files := map[string]*ast.File{}
	root := os.DirFS("..")
	err := fs.WalkDir(root, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		raw, err := fs.ReadFile(root, path)
		if err != nil {
			return err
		}
		files[path], err = parser.ParseFile(token.NewFileSet(), path, raw, parser.SkipObjectResolution)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found only %d files of the interface", len(files))
	}
	return files
}

func TestEveryTextIsUsed(t *testing.T) {
	used := map[string]bool{}
	files := sources(t)
	for _, f := range files {
		ast.Inspect(f, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "text" {
					used[sel.Sel.Name] = true
				}
			}
			return true
		})
	}
	var decls []ast.Decl
	for path, f := range files {
		if filepath.Dir(path) == "text" && path != "text/text.go" { // whose constants are no texts
			decls = append(decls, f.Decls...)
		}
	}
	for _, decl := range decls {
		consts, ok := decl.(*ast.GenDecl)
		if !ok || consts.Tok != token.CONST {
			continue
		}
		for _, spec := range consts.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if name.IsExported() && !used[name.Name] {
					t.Errorf("nothing uses text.%s", name.Name)
				}
			}
		}
	}
}

// wordsOf says which packages show text and so must take their sentences from the catalogue.
var wordsOf = regexp.MustCompile(`^(screen|component|view|cluster|describe|model\.go)`)

// TestNoSentenceOutsideTheCatalogue finds string literals with several words in code that draws.
func TestNoSentenceOutsideTheCatalogue(t *testing.T) {
	allowed := map[string]bool{} // what is written to errors and the log, in English
	for path, f := range sources(t) {
		if !wordsOf.MatchString(path) {
			continue
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok {
				if sel, ok := call.Fun.(*ast.SelectorExpr); ok && (sel.Sel.Name == "Errorf" || sel.Sel.Name == "Warn" || sel.Sel.Name == "Error") {
					return false
				}
			}
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			s, err := strconv.Unquote(lit.Value)
			if err == nil && sentence(s) && !allowed[s] {
				t.Errorf("%s: %q belongs into the catalogue", path, s)
			}
			return true
		})
	}
}

// sentence reports whether s has two words next to each other, or Chinese.
func sentence(s string) bool {
	words := 0
	for _, w := range strings.Fields(s) {
		if strings.ContainsFunc(w, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			return true
		}
		if len(w) > 1 && strings.IndexFunc(w, func(r rune) bool { return !unicode.IsLetter(r) }) < 0 {
			words++
		} else {
			words = 0
		}
		if words >= 2 {
			return true
		}
	}
	return false
}

func TestParse(t *testing.T) {
	for in, want := range map[string]Lang{"": English, "en": English, "C.UTF-8": English, "de": English, "zh": Chinese, "zh-CN": Chinese, "ZH_tw.UTF-8": Chinese} {
		if got := Parse(in); got != want {
			t.Errorf("Parse(%q) = %d, want %d", in, got, want)
		}
	}
}
