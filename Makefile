# The verbs of this repository. CI calls the same ones. `make help` lists them.

GO    ?= go
BIN   := bin/kubestep
# Everything is pure Go, so that one machine builds for all.
export CGO_ENABLED := 0
# Symbol tables are half of the binary's size; call stacks do not need them.
LDFLAGS := -s -w

# Packages whose tests run a whole cluster. Everything else is quick with -short.
INTEGRATION := ./engine/... ./runtime/...
E2E         := ./cmd/kubestep/...

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
unit: ## tests that start no cluster: seconds once compiled
	$(GO) test -short ./...

.PHONY: integration
integration: ## tests of the engine and the nodes on a real cluster
	$(GO) test -p 1 -timeout 20m $(INTEGRATION)

.PHONY: e2e
e2e: build ## tests that drive the built program from outside
	KUBESTEP_TEST_BINARY=$(abspath $(BIN)) $(GO) test -timeout 20m $(E2E)

.PHONY: race
race: ## unit tests of the packages without Kubernetes under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short $$($(GO) run ./cmd/kubestep/internal/light)

.PHONY: lint
lint: ## gofmt, go vet, golangci-lint when it is installed
	.ci/lint

.PHONY: bench
bench: build ## measure start-up, memory, idle CPU and what the tap costs
	@$(BIN) bench

.PHONY: generate
generate: ## run every go:generate line
	$(GO) generate ./...

.PHONY: clean
clean: ## remove what the other verbs made
	rm -rf bin

.PHONY: help
help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
