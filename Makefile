# What to type: `make check` before a commit, `make install` to use it, `make bench` to measure it.

PREFIX ?= /usr/local
CARGO ?= cargo

# On Linux with glibc the release is one static file at a fixed address: it starts a third faster,
# because nothing has to be loaded or relocated. Elsewhere it is built as usual. The target is
# named so that the flags reach the program and not the build scripts.
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
ifeq ($(HOST),x86_64-unknown-linux-gnu)
TARGET := --target $(HOST)
OUT := target/$(HOST)/release
STATIC := CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUSTFLAGS="-C target-feature=+crt-static -C relocation-model=static"
else
TARGET :=
STATIC :=
OUT := target/release
endif

.PHONY: build release install test check bench soak

build:
	$(CARGO) build

release:
	$(STATIC) $(CARGO) build --release --locked $(TARGET)

install: release
	install -d "$(DESTDIR)$(PREFIX)/bin"
	install -m 755 $(OUT)/lattice "$(DESTDIR)$(PREFIX)/bin/lattice"

test:
	$(CARGO) test

check:
	$(CARGO) fmt --check
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) test
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps

# All figures; `make bench PARTS="reads writes"` for some, `PARTS=--quick` to see that it runs.
bench:
	$(STATIC) $(CARGO) build --release --locked $(TARGET) --bins --examples
	$(STATIC) $(CARGO) bench --locked $(TARGET) --bench speed -- $(PARTS)

# What only shows under load: many writers, a reader that stays, 3200 claims.
soak:
	$(MAKE) bench PARTS="crowd reader claims"
