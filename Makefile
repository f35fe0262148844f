# The verbs of this repository; CI calls the same ones. Only Go, git and make are needed.

GO  ?= go
BIN := bin/kubestep
# Everything is pure Go: one machine builds for all, and no C compiler is needed.
export CGO_ENABLED := 0
# Symbol tables are a third of the file; call stacks do not need them.
LDFLAGS := -s -w
LINTER  := github.com/golangci/golangci-lint/v2/cmd/golangci-lint@v2.15.0

.DEFAULT_GOAL := help

.PHONY: run
run: build ## build kubestep and open the lab
	@$(BIN)

.PHONY: build
build: ## build bin/kubestep
	$(GO) build -ldflags '$(LDFLAGS)' -o $(BIN) ./cmd/kubestep

.PHONY: test
test: unit integration e2e ## run every test

.PHONY: unit
unit: ## run the tests that start no cluster
	$(GO) test -short ./...

.PHONY: integration
integration: ## run the tests of the engine and the nodes on real clusters
	$(GO) test -p 1 -timeout 20m ./engine/... ./runtime/... ./tui/...

# Labs wait more than they work: three at a time go well on two cores.
.PHONY: e2e
e2e: build ## run the tests that drive the built program from outside
	KUBESTEP_BINARY=$(abspath $(BIN)) $(GO) test -timeout 20m -parallel 3 ./cmd/...

# The packages that do not reach Kubernetes' client library: with the race detector, that would take minutes to compile.
LIGHT = $(shell $(GO) list -f '{{$$heavy := false}}{{range .Deps}}{{if eq . "k8s.io/client-go/rest"}}{{$$heavy = true}}{{end}}{{end}}{{if not $$heavy}}{{.ImportPath}}{{end}}' ./...)

.PHONY: race
race: ## run the light packages' tests under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short $(LIGHT)

.PHONY: lint
lint: ## check format, go.mod, and what golangci-lint knows
	@test -z "$$(gofmt -l cmd engine runtime tui)" || { echo "run gofmt on:"; gofmt -l cmd engine runtime tui; exit 1; }
	$(GO) mod tidy -diff
	$(GO) run $(LINTER) run

.PHONY: prove
prove: build ## play every lesson on a real lab: checks fail before, pass after, predictions come true
	@$(BIN) lesson lint
	@$(BIN) lesson prove --all

PROOFS ?= 20

.PHONY: mutations
mutations: build ## inject mistakes into the lessons and count those that lint and prove miss; PROOFS=20 is how many to prove
	KUBESTEP_BINARY=$(abspath $(BIN)) KUBESTEP_MUTATIONS=$(PROOFS) $(GO) test -count=1 -timeout 3h -v -run TestMutations ./cmd/kubestep/e2e

.PHONY: bench
bench: build ## measure start-up, memory, idle CPU and what the taps cost; key to frame
	@$(BIN) bench
	$(GO) test -run '^$$' -bench 'KeyToFrame|Scroll' -benchtime 3600x ./tui
	$(GO) test -run '^$$' -bench 'Open|Million' -benchtime 1x ./tui

.PHONY: clean
clean: ## remove what the other verbs made
	rm -rf bin

.PHONY: help
help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
