# What to type: `make demo` to see it, `make check` before a commit, `make install` to use it, `make bench` to measure it.

PREFIX ?= /usr/local
CARGO ?= cargo
BUILT := $(or $(CARGO_TARGET_DIR),target)

# On Linux with glibc the release is one static file at a fixed address: it starts a third faster,
# because nothing has to be loaded or relocated; and its functions lie in the order of their use
# (benches/layout). Elsewhere it is built as usual. The target is named so that the flags reach the
# program and not the build scripts.
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
# A C library to link statically is not everywhere: without one the release is built as usual.
CAN_STATIC := $(shell printf 'int main(void) { return 0; }' | cc -static -x c -o /dev/null - 2>/dev/null && echo yes)
ORDERED := $(shell test -x benches/layout/cc && echo ' -C linker=benches/layout/cc')
ifeq ($(HOST) $(CAN_STATIC),x86_64-unknown-linux-gnu yes)
TARGET := --target $(HOST)
OUT := $(BUILT)/$(HOST)/release
STATIC := CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static$(ORDERED)"
else
TARGET :=
STATIC :=
OUT := $(BUILT)/release
endif

.PHONY: demo build release install test lint check bench layout soak fuzz mutants compat

# The main job, played in a temporary folder.
demo: build
	@bash docs/demo.sh "$(BUILT)/debug/lattice"

build:
	$(CARGO) build

release:
	$(STATIC) $(CARGO) build --release --locked $(TARGET)

install: release
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(OUT)/lattice "$(DESTDIR)$(PREFIX)/bin/lattice"

test:
	$(CARGO) test

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps

check: lint test

# All figures; `make bench PARTS="reads writes"` for some, `PARTS=--quick` to see that it runs.
bench:
	$(STATIC) $(CARGO) build --release --locked $(TARGET) --bins --examples
	$(STATIC) $(CARGO) bench --locked $(TARGET) --bench speed -- $(PARTS)

# Records anew which functions everyday commands run. Needs valgrind, and a release with its names.
layout:
	CARGO_PROFILE_RELEASE_STRIP=none $(STATIC) $(CARGO) build --release --locked $(TARGET) --target-dir target/layout
	@sh benches/layout/record.sh "$(OUT:$(BUILT)/%=target/layout/%)/lattice"

# What only shows under load (many writers, a reader that stays, 3200 claims), every fault of the
# disk in every way, a million states that a power cut may leave, a hundred real ones, thousands of
# histories of clones that merge, 100,000 bits that flip, and an hour of races (LATTICE_SOAK_SECONDS
# sets another time).
soak: release
	LATTICE_SOAK=1 LATTICE_PROGRAM="$(abspath $(OUT))/lattice" $(CARGO) test --test faults --test replay
	LATTICE_SOAK=1 $(CARGO) test --test power --test merging --test flips --test hostile --test fuzzing
	LATTICE_SOAK=1 LATTICE_PROGRAM="$(abspath $(OUT))/lattice" $(CARGO) test --test races
	$(MAKE) bench PARTS="crowd reader claims"

# Faults planted in a copy of the tree, one at a time: the check that is named for each has to fail
# (tests/mutants/mutants.txt). `make mutants ONLY=NAME` plants one of them.
ONLY ?=
mutants:
	@sh tests/mutants/run.sh $(ONLY)

# Each target of fuzz/ for so many seconds, by `cargo fuzz`, which is installed by hand (`cargo install
# cargo-fuzz`). Stable Rust has no sanitizers; `FUZZ_SANITIZER=address CARGO="cargo +nightly"` uses one.
FUZZ_SECONDS ?= 120
FUZZ_SANITIZER ?= none
FUZZ_TARGETS ?= $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))
fuzz:
	@$(CARGO) fuzz --version >/dev/null 2>&1 || { echo "make fuzz needs cargo-fuzz: cargo install cargo-fuzz" >&2; exit 1; }
	set -e; for target in $(FUZZ_TARGETS); do \
		mkdir -p "fuzz/found/$$target"; \
		$(CARGO) fuzz run -s $(FUZZ_SANITIZER) "$$target" "fuzz/found/$$target" "fuzz/corpus/$$target" -- -max_total_time=$(FUZZ_SECONDS) -timeout=20 -rss_limit_mb=4096; \
	done

# The same calls to the Python predecessor and to this program, the answers compared. It is installed
# under target/ (PYTHON has to be 3.12 or newer), or is there already: `make compat PREDECESSOR=…`.
PYTHON ?= python3
PREDECESSOR ?=
compat: build
	@program="$(PREDECESSOR)"; \
	[ -n "$$program" ] || program=$$(sh tests/compat/install.sh "$(PYTHON)" target/predecessor) || exit 0; \
	LATTICE_PREDECESSOR="$$program" $(CARGO) test --test compat
