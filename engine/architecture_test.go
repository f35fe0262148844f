package engine_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// These tests hold the architecture: ARCHITECTURE.md says why. They read the source and run `go list`; nothing is
// compiled.

const (
	root   = ".."
	module = "github.com/kubestep/kubestep"
)

// rule says who may import what. The first rule whose from matches a package counts.
type rule struct {
	from string   // a package below the module, or a tree when it ends in "/..."
	may  []string // what of ours it may import, in the same form
}

var imports = []rule{
	{"cmd/...", []string{"..."}},
	{"tui/...", []string{"tui/...", "engine", "engine/trace", "engine/course", "engine/check", "engine/quiz", "engine/progress", "lessons/schema"}},
	{"engine", []string{"engine/trace"}},
	{"engine/trace", nil},
	{"engine/...", []string{"engine", "engine/...", "lessons/schema"}},
	{"runtime/...", []string{"runtime/...", "engine", "engine/trace", "engine/gate", "engine/tap", "engine/wire", "assets/..."}},
	{"lessons/...", []string{"lessons/..."}},
	{"assets/...", []string{"assets/..."}},
}

// owners says which of our packages may import a dependency by name.
var owners = []rule{
	{"k8s.io/kubernetes/...", []string{"engine/kubeglobal", "engine/apiserver", "engine/scheduler", "engine/controllers",
		"runtime/kubelet", "runtime/network/...", "runtime/dns"}},
	{"go.etcd.io/etcd/server/v3/...", []string{"engine/etcd"}},
	{"charm.land/bubbletea/v2/...", []string{"tui/...", "cmd/..."}},
	{"github.com/containerd/containerd/v2/...", []string{"runtime/containerd/..."}},
	{"gvisor.dev/gvisor/...", []string{"runtime/network/fabric/...", "runtime/inproc/..."}},
}

// never says what the packages of a tree must not reach even through others: they must compile in seconds.
var never = []rule{
	{"tui/...", []string{"k8s.io/kubernetes/...", "k8s.io/client-go/..."}},
	{"engine", []string{"k8s.io/..."}},
	{"engine/trace", []string{"k8s.io/..."}},
	{"engine/gate", []string{"k8s.io/..."}},
}

// in reports whether a package is pattern, or below it when it ends in "/...".
func in(pattern, pkg string) bool {
	if tree, ok := strings.CutSuffix(pattern, "..."); ok {
		return strings.HasPrefix(pkg+"/", tree)
	}
	return pattern == pkg
}

func anyOf(patterns []string, pkg string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool { return in(p, pkg) })
}

// pkg is what `go list` says of a package.
type pkg struct {
	ImportPath string
	Name       string
	Imports    []string // of its files that are no tests
	Deps       []string // what those import, and so on
}

// ours is the path of a package below the module; ok is false for others.
func ours(importPath string) (below string, ok bool) {
	if importPath == module {
		return "", true
	}
	return strings.CutPrefix(importPath, module+"/")
}

func packages(t *testing.T) []pkg {
	t.Helper()
	var found []pkg
	seen := map[string]int{}
	for _, system := range []string{"linux", "darwin"} {
		list := exec.Command("go", "list", "-json=ImportPath,Name,Imports,Deps", "./...")
		list.Dir = root
		list.Env = append(os.Environ(), "GOOS="+system, "CGO_ENABLED=0")
		var stderr bytes.Buffer
		list.Stderr = &stderr
		out, err := list.Output()
		if err != nil {
			t.Fatalf("go list: %v\n%s", err, stderr.String())
		}
		for decode := json.NewDecoder(bytes.NewReader(out)); ; {
			var p pkg
			if err := decode.Decode(&p); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			if i, ok := seen[p.ImportPath]; ok {
				found[i].Imports = append(found[i].Imports, p.Imports...)
				found[i].Deps = append(found[i].Deps, p.Deps...)
				continue
			}
			seen[p.ImportPath] = len(found)
			found = append(found, p)
		}
	}
	if len(found) < 3 {
		t.Fatalf("go list found only %d packages", len(found))
	}
	return found
}

func TestImports(t *testing.T) {
	for _, p := range packages(t) {
		me, ok := ours(p.ImportPath)
		if !ok {
			t.Fatalf("go list ./... found %s", p.ImportPath)
		}
		may := slices.IndexFunc(imports, func(r rule) bool { return in(r.from, me) })
		if may < 0 {
			t.Errorf("%s is in none of the folders that the layout has", me)
			continue
		}
		for _, imported := range p.Imports {
			if below, ok := ours(imported); ok && !anyOf(imports[may].may, below) {
				t.Errorf("%s must not import %s", me, below)
			}
			for _, o := range owners {
				if in(o.from, imported) && !anyOf(o.may, me) {
					t.Errorf("%s must not import %s: only %v may", me, imported, o.may)
				}
			}
			if imported == "testing" || strings.HasPrefix(imported, "testing/") {
				if !strings.HasSuffix(p.Name, "test") {
					t.Errorf("%s imports %s outside tests", me, imported)
				}
			}
			if strings.HasPrefix(imported, "k8s.io/") && slices.Contains(strings.Split(imported, "/"), "testing") {
				t.Errorf("%s imports upstream's test package %s", me, imported)
			}
		}
		for _, n := range never {
			if !in(n.from, me) {
				continue
			}
			for _, dep := range p.Deps {
				if anyOf(n.may, dep) {
					t.Errorf("%s reaches %s, which takes minutes to compile", me, dep)
					break
				}
			}
		}
	}
}

// file is one Go file of ours.
type file struct {
	path string // relative to the repository
	pkg  string // its folder
	test bool
	src  []byte
}

func files(t *testing.T) []file {
	t.Helper()
	var found []file
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "bin") {
				return fs.SkipDir
			}
			return nil
		}
		if path.Ext(rel) != ".go" {
			return nil
		}
		src, err := os.ReadFile(name)
		rel = filepath.ToSlash(rel)
		found = append(found, file{path: rel, pkg: path.Dir(rel), test: strings.HasSuffix(rel, "_test.go"), src: src})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 10 {
		t.Fatalf("found only %d Go files", len(found))
	}
	return found
}

func parse(t *testing.T, f file) *ast.File {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), f.path, f.src, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestOnePackageComment(t *testing.T) {
	comments, all := map[string][]string{}, map[string]bool{}
	for _, f := range files(t) {
		if f.test {
			continue
		}
		all[f.pkg] = true
		if parsed := parse(t, f); parsed.Doc != nil {
			comments[f.pkg] = append(comments[f.pkg], f.path)
			if text := parsed.Doc.Text(); !strings.HasPrefix(text, "Package "+parsed.Name.Name+" ") &&
				(parsed.Name.Name != "main" || !strings.HasPrefix(text, "Command ")) {
				t.Errorf("%s: the package comment begins with %.40q", f.path, text)
			}
		}
	}
	for folder := range all {
		if n := len(comments[folder]); n != 1 {
			t.Errorf("%s has %d package comments, want 1 %v", folder, n, comments[folder])
		}
	}
}

// maxLines is when a file no longer holds one thing.
const maxLines = 500

func TestFiles(t *testing.T) {
	for _, f := range files(t) {
		if n := bytes.Count(f.src, []byte("\n")); n > maxLines && !f.test {
			t.Errorf("%s has %d lines, more than %d: does it hold one thing?", f.path, n, maxLines)
		}
		if f.pkg == "runtime" {
			t.Errorf("%s: a package there would shadow the standard library's runtime", f.path)
		}
		switch path.Base(f.pkg) {
		case "util", "utils", "common", "helpers", "types", "manager", "misc":
			t.Errorf("%s: the folder's name does not say what it is for", f.path)
		}
	}
}

// forbidden calls below cmd: they take away from the caller what is its to decide.
var forbidden = map[string][]string{
	"context": {"Background", "TODO"},
	"os":      {"Exit"},
	"log":     {"Fatal", "Fatalf", "Fatalln", "Print", "Printf", "Println"},
	"fmt":     {"Print", "Printf", "Println"},
}

func TestForbiddenCalls(t *testing.T) {
	for _, f := range files(t) {
		if f.test || in("cmd/...", f.pkg) {
			continue
		}
		parsed := parse(t, f)
		names := map[string]string{} // as the file calls a package: its path
		for _, spec := range parsed.Imports {
			p, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			name := path.Base(p)
			if spec.Name != nil {
				name = spec.Name.Name
			}
			names[name] = p
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if sel, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := sel.X.(*ast.Ident); ok && x.Obj == nil && slices.Contains(forbidden[names[x.Name]], sel.Sel.Name) {
					t.Errorf("%s calls %s.%s, which only cmd may", f.path, x.Name, sel.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestModule(t *testing.T) {
	edit := exec.Command("go", "mod", "edit", "-json")
	edit.Dir = root
	out, err := edit.Output()
	if err != nil {
		t.Fatal(err)
	}
	var mod struct {
		Module  struct{ Path string }
		Require []struct{ Path, Version string }
		Replace []any
		Exclude []any
	}
	if err := json.Unmarshal(out, &mod); err != nil {
		t.Fatal(err)
	}
	if mod.Module.Path != module {
		t.Errorf("the module is %s, want %s", mod.Module.Path, module)
	}
	// With either, `go install MODULE/cmd/kubestep@VERSION` refuses or builds something else.
	if len(mod.Replace) != 0 || len(mod.Exclude) != 0 {
		t.Error("go.mod replaces or excludes modules")
	}
	for _, r := range mod.Require {
		if r.Path == "k8s.io/kubernetes" && r.Version != "v1.36.3" {
			t.Errorf("%s is at %s, want v1.36.3", r.Path, r.Version)
		}
		if staging[r.Path] && r.Version != "v0.36.3" {
			t.Errorf("%s is at %s, want v0.36.3, as k8s.io/kubernetes v1.36.3 was built with", r.Path, r.Version)
		}
	}
}

// staging are the modules that are released together with Kubernetes, as far as it is likely that something raises them.
var staging = map[string]bool{
	"k8s.io/api": true, "k8s.io/apiextensions-apiserver": true, "k8s.io/apimachinery": true, "k8s.io/apiserver": true,
	"k8s.io/cli-runtime": true, "k8s.io/client-go": true, "k8s.io/component-base": true, "k8s.io/component-helpers": true,
	"k8s.io/controller-manager": true, "k8s.io/cri-api": true, "k8s.io/cri-client": true, "k8s.io/cri-streaming": true,
	"k8s.io/kube-aggregator": true, "k8s.io/kube-scheduler": true, "k8s.io/kubectl": true, "k8s.io/kubelet": true,
	"k8s.io/metrics": true, "k8s.io/mount-utils": true,
}

// folders are all that the repository's top level has.
var folders = []string{"assets", "bin", "cmd", "engine", "lessons", "runtime", "tui"}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case e.IsDir() && !slices.Contains(folders, e.Name()):
			t.Errorf("the folder %s is not in the layout", e.Name())
		case path.Ext(e.Name()) == ".go":
			t.Errorf("%s: the top level holds no Go files", e.Name())
		}
	}
}
