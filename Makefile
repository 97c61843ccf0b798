# A thin front: CMake does the building, scripts/ set up the machine and run the test builds.
# CMAKE_OPTIONS="-DSB_SQLITE3_ROOT=/opt/sqlite" and the like are handed to CMake.

PREFIX ?= /usr/local
CMAKE_OPTIONS ?=
WORK := build/.work
export PATH := $(CURDIR)/$(WORK)/tools/bin:$(PATH)

.PHONY: build demo test bench install clean help setup configure
.DEFAULT_GOAL := build

build: configure ## build/bin/broker, build/lib/libsimplebroker.so, build/include/simplebroker.h
	@cmake --build --preset default

demo: build ## the main job on a real queue: workers, a crash, and counts that add up
	@demo/run.sh build/bin/broker

test: build ## every test: gcc, clang, sanitizers, valgrind
	@scripts/setup test
	@scripts/test

bench: build ## measurements as ratios: against plain C loops and the reference
	@scripts/setup test
	@scripts/bench

install: build ## into $(DESTDIR)$(PREFIX)
	@cmake --preset default -DCMAKE_INSTALL_PREFIX="$(PREFIX)" >/dev/null
	@DESTDIR="$(DESTDIR)" cmake --install $(WORK)/default

clean: ## remove build/
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

setup:
	@scripts/setup build

configure: setup
	@scripts/python-env build/venv tests/python/requirements.txt 3.11
	@scripts/configure default $(CMAKE_OPTIONS)
