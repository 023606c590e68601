# Dockbell. `make run` starts it, `make check test` says whether it is right; everything else is here for the days between.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

# The module proxy alone: what it does not carry is then a clear error instead of a hanging git call.
GOPROXY := $(shell go env GOPROXY | sed 's/,direct$$//')
# netgo: Go's own resolver refuses the odd spellings of loopback that the C one accepts.
GOFLAGS := $(GOFLAGS) -tags=netgo
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
export GOPROXY GOFLAGS

.PHONY: help run build generate test check bench torture demo clean
help: ## say what there is
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 18

run: build ## build and start the portal on http://127.0.0.1:8080 with its data in ./data
	@DOCKBELL_ALLOWED_NETWORKS="$${DOCKBELL_ALLOWED_NETWORKS:-127.0.0.0/8,::1/128}" exec bin/dockbell serve

build: generate ## bin/dockbell
	@CGO_ENABLED=1 go build -buildvcs=false -trimpath -ldflags "-X main.version=$(VERSION)" -o bin/dockbell ./cmd/dockbell

generate: ## write the pages' Go code from the templates
	@go tool templ generate -log-level error

test: ## every test, with a throw-away PostgreSQL, a browser and real clients
	@.ci/test

check: ## formatting, generated code, vet, lint, modules
	@.ci/check

bench: build ## the benchmarks, each against its physical limit in the same run
	@.ci/bench/run

torture: generate ## hurt a Dockbell in every way for 30 minutes (TORTURE_TIME) and say what it lost
	@.ci/torture/run

demo: build ## push a few images and a chart to the Dockbell that is running
	@.ci/demo/run

clean: ## remove what was built, never the data
	@rm -rf bin
