# quail - one Makefile. `make` builds everything into build/; see README.md.
#
#   make              all programs, in build/bin
#   make demo         a leaf, two hubs and an edge carry two messages on
#                     loopback (installs what is missing first)
#   make test         all tests under prove (installs what is missing first)
#   make test-long    the same, with longer rounds of the kill tests
#   make bench        quail and its peers, the same work, in one run: as root,
#                     25 minutes (QUICK=1: 5; WORKS="w1 w4": only these);
#                     bench-sessions: what connections cost; bench-tls:
#                     handshakes and bytes a second beside openssl's;
#                     bench-keys: ten minutes of trusted mail (RATE=N,
#                     MINUTES=N, BYTES=N: other loads)
#   make fuzz         the fuzz harnesses, with clang (doc/testing.md)
#   make leaf         build/leaf/qmqpc, static and small: packaging/leaf.mk
#   make install      into PREFIX (/usr/local), under DESTDIR
#   make deps         only installs what `make` needs
#   make check-format
#   make clean
#
# Of use on the command line: B=DIR builds elsewhere, CC=clang,
# SANITIZE=-fsanitize=address,undefined, WERROR=1, V=1 (show the commands).

B        := build
CC       ?= gcc
OPT      ?= -O2 -g
STD      := -std=c11 -D_GNU_SOURCE
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wpointer-arith -Wvla
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE \
            $(if $(findstring -O0,$(OPT)),,-D_FORTIFY_SOURCE=2)
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack

Q   := $(if $(V),,@)
SAY := @$(if $(V),:,echo " ")

# Debian's libowfat-dev and libcdb-dev both own /usr/include/cdb.h, so
# TinyCDB is unpacked beside the build and only cdb/map.c sees its header.
# Debian's libowfat marks functions pure that are not: hence -Dpure=.
DEPS      ?= $(B)/deps
CDBDIR    ?= $(DEPS)/tinycdb/usr
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
CDB_A     ?= $(firstword $(wildcard $(CDBDIR)/lib/$(MULTIARCH)/libcdb.a \
               $(CDBDIR)/lib/libcdb.a) $(CDBDIR)/lib/$(MULTIARCH)/libcdb.a)
OWFAT_INC := $(firstword $(wildcard /usr/include/libowfat /usr/local/include/libowfat))

CPPFLAGS += -I. -Dpure= $(if $(OWFAT_INC),-I$(OWFAT_INC))
CFLAGS   += $(STD) $(OPT) $(WARN) $(if $(WERROR),-Werror) $(HARDEN) $(SANITIZE)
LDFLAGS  += $(OPT) $(LDHARDEN) $(SANITIZE)
LDLIBS   := -lowfat

# One library per folder: every .c but the mains. A program is its main plus
# the libraries named here: this table is the whole link-time architecture.
FOLDERS := lib cdb queue maildir qmtpd qmqpd qmqpc smtp-gateway
lib_of   = $(foreach f,$(1),$(B)/$(f).a) $(if $(filter cdb,$(1)),$(CDB_A))

PROGRAMS := quail quail-queue qmqpd qmtpd qmtpc smtp-gateway maildir qmqpc \
            quail-leafdoor
BIN      := $(addprefix $(B)/bin/,$(PROGRAMS))
# What callers know it by; it looks at its name.
LINKS    := sendmail mailq newaliases
LINKED   := $(addprefix $(B)/bin/,$(LINKS))

.PHONY: all
all: $(BIN) $(LINKED)

$(B)/bin/quail:        $(B)/queue/quail_main.o $(call lib_of,queue cdb lib)
$(B)/bin/quail-queue:  $(B)/queue/main.o $(call lib_of,queue cdb lib)
$(B)/bin/qmqpd:        $(B)/qmqpd/main.o $(call lib_of,qmqpd cdb lib)
$(B)/bin/qmtpd:        $(B)/qmtpd/main.o $(call lib_of,qmtpd cdb lib)
$(B)/bin/qmtpc:        $(B)/qmtpd/qmtpc_main.o $(call lib_of,qmtpd cdb lib)
$(B)/bin/smtp-gateway: $(B)/smtp-gateway/main.o $(call lib_of,smtp-gateway cdb lib)
$(B)/bin/maildir:      $(B)/maildir/main.o $(call lib_of,maildir cdb lib)
$(B)/bin/qmqpc:        $(B)/qmqpc/main.o $(call lib_of,qmqpc cdb lib)
$(B)/bin/quail-leafdoor: $(B)/qmqpc/door_main.o $(call lib_of,qmqpc cdb lib)
$(LINKED): $(B)/bin/qmqpc
	$(Q)ln -sf qmqpc $@


# The only two programs that look names up without blocking.
$(B)/bin/qmtpc $(B)/bin/smtp-gateway: LDLIBS += -lcares

# Those that speak TLS, or make keys for it.
$(addprefix $(B)/bin/,quail qmqpd qmtpd qmtpc smtp-gateway qmqpc): LDLIBS += -lbearssl

SRCS  := $(wildcard $(addsuffix /*.c,$(FOLDERS)))
MAINS := $(filter %main.c,$(SRCS))
OBJS  := $(patsubst %.c,$(B)/%.o,$(SRCS))

define folder_library
$(B)/$(1).a: $$(patsubst %.c,$(B)/%.o,$$(filter $(1)/%,$$(filter-out $$(MAINS),$$(SRCS))))
	@mkdir -p $$(@D)
	@rm -f $$@
	$(Q)ar crs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_library,$(f))))

$(BIN):
	@mkdir -p $(@D)
	$(SAY) link $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) compile $<
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/cdb/map.o: CPPFLAGS := -I$(CDBDIR)/include $(CPPFLAGS)
$(B)/cdb/map.o: | $(CDB_A)

# Debian only; elsewhere set CDBDIR to where TinyCDB is installed.
$(CDB_A):
	sh packaging/deps.sh tinycdb $(DEPS)

.PHONY: tinycdb
tinycdb: $(CDB_A)

# Tests and their tools. A C test may use every folder and the helpers that
# stand in tests/ too; the group lets the linker find its way, and TinyCDB's
# archive must come before libowfat.
TESTS   := $(patsubst %.c,$(B)/%,$(wildcard tests/*_test.c))
TOOLS   := $(addprefix $(B)/tests/,quail-load quail-sink quail-sessions disk \
           tlsrate smtp-sink spawn route-bench)
HELPERS := $(filter-out %_test.c tests/smtp_sink.c,$(wildcard tests/*.c))
TOBJS   := $(patsubst %.c,$(B)/%.o,$(wildcard tests/*.c tests/bench/*.c \
           tests/crash/*.c tests/fuzz/*.c))

$(B)/tests/helpers.a: $(patsubst %.c,$(B)/%.o,$(HELPERS))
	@mkdir -p $(@D)
	@rm -f $@
	$(Q)ar crs $@ $^

$(TESTS): $(B)/tests/%: $(B)/tests/%.o $(B)/tests/helpers.a \
    $(call lib_of,$(FOLDERS))
	$(SAY) link $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $< -Wl,--start-group $(filter %.a,$^) \
	    -Wl,--end-group $(LDLIBS) -lcares -lbearssl

# The crash tests' tools, each one file on lib/; the client has a second one.
CRASH := $(patsubst tests/crash/%.c,$(B)/tests/crash-%,$(filter-out \
         tests/crash/book.c,$(wildcard tests/crash/*.c)))
TOOLS += $(CRASH)
$(B)/tests/crash-client: $(B)/tests/crash/book.o
$(CRASH): $(B)/tests/crash-%: $(B)/tests/crash/%.o $(call lib_of,lib)

$(B)/tests/tlsrate: $(B)/tests/bench/tlsrate.o $(call lib_of,lib)
$(B)/tests/tlsrate: LDLIBS += -lbearssl
$(B)/tests/quail-load: $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/load*.c))
$(B)/tests/quail-sink: $(patsubst %.c,$(B)/%.o,$(wildcard tests/bench/sink*.c))
$(B)/tests/disk:       $(B)/tests/bench/disk.o
$(B)/tests/route-bench: $(B)/tests/bench/route_bench.o $(call lib_of,cdb lib)
$(B)/tests/spawn:      $(B)/tests/bench/spawn.o
$(B)/tests/quail-sessions: $(patsubst %.c,$(B)/%.o,$(wildcard \
    tests/bench/sessions*.c)) $(call lib_of,lib)
$(B)/tests/quail-sessions: LDLIBS += -lbearssl
$(B)/tests/smtp-sink:  $(B)/tests/smtp_sink.o
$(TOOLS):
	@mkdir -p $(@D)
	$(SAY) link $@
	$(Q)$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# What makes every flush slower, for peers and us alike; `make bench` loads it.
# And what sets the clock of one node.
$(B)/tests/slow.so $(B)/tests/clock.so: $(B)/tests/%.so: tests/bench/%.c
	@mkdir -p $(@D)
	$(SAY) link $@
	$(Q)$(CC) $(STD) $(OPT) $(WARN) -fPIC -shared -o $@ $<

# The fuzz harnesses; replay.c feeds them the corpus, libFuzzer does more. The
# helpers come first in the group: they stand for some of lib/.
FUZZ_MAIN ?= $(B)/tests/fuzz/replay.o
FUZZERS   := $(patsubst tests/fuzz/%_fuzz.c,$(B)/tests/fuzz-%,\
             $(wildcard tests/fuzz/*_fuzz.c))
FUZZ_HELP := $(addprefix $(B)/tests/fuzz/,fuzz.o wire.o) $(B)/tests/simfs.o

$(B)/tests/fuzz/helpers.a: $(FUZZ_HELP)
	@rm -f $@
	$(Q)ar crs $@ $^

$(FUZZERS): $(B)/tests/fuzz-%: $(B)/tests/fuzz/%_fuzz.o $(FUZZ_MAIN) \
    $(B)/tests/fuzz/helpers.a $(call lib_of,$(FOLDERS))
	$(SAY) link $@
	$(Q)$(CC) $(LDFLAGS) $(FUZZ_LINK) -o $@ $(filter %.o,$^) \
	    -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LDLIBS) \
	    -lcares -lbearssl

# It runs on the real loop; what stands for it among the helpers stays out.
$(B)/tests/fuzz-segment: $(B)/lib/loop.o $(B)/lib/loop_task.o
$(B)/tests/fuzz-netdb: $(B)/tests/netdb_faked.o

.SECONDARY: $(TOBJS)

.PHONY: tests
tests: all $(TESTS) $(TOOLS) $(FUZZERS) $(B)/tests/clock.so

# What is missing is installed first, so the rest runs in a make that finds
# the compiler and the libraries in place.
JOBS    ?= $(shell nproc 2>/dev/null || echo 1)
AGAIN    = +$(MAKE) --no-print-directory -j$(JOBS)
ASAN     = B=$(B)/asan DEPS=$(DEPS) OPT="-O1 -g -fno-omit-frame-pointer" \
           SANITIZE="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
# A daemon that makes a call which is not in its list is killed for it.
RUN_ENV  = BIN=$(abspath $(B))/bin BUILD=$(abspath $(B)) QUAIL_SANDBOX=kill

.PHONY: deps deps-test demo test test-long test-run test-one bench bench-sessions bench-tls bench-leaf \
    bench-keys
deps:
	@sh packaging/deps.sh build
	@$(AGAIN) tinycdb

deps-test: deps
	@sh packaging/deps.sh test

demo: deps
	@$(AGAIN) -s all $(TOOLS)
	@$(RUN_ENV) sh tests/demo.sh

test: deps-test
	$(AGAIN) tests
	$(AGAIN) tests $(ASAN)
	@sh tests/peers.sh fetch $(DEPS)/peers
	@$(AGAIN) test-run

test-long:
	$(AGAIN) test LONG=1

# Tests that take many minutes under the sanitizers: test-long has them.
HEAVY := replay_test chain_test
ASAN_TESTS = $(patsubst $(B)/%,$(B)/asan/%,$(if $(LONG),$(TESTS),\
               $(filter-out $(addprefix $(B)/tests/,$(HEAVY)),$(TESTS))))

# What the tests say on stderr (daemons log there) goes into a file; of that,
# what begins with '#' is of interest when something has failed, and what the
# sanitizers found.
test-run:
	@$(RUN_ENV) LONG=$(LONG) PEERS=$(abspath $(DEPS))/peers \
	    DEPS=$(abspath $(DEPS)) prove --timer $(PROVE) $(TESTS) $(ASAN_TESTS) \
	    $(sort $(wildcard tests/*.t)) tests/layers.sh \
	    </dev/null 2>$(B)/test.stderr || { \
	    grep -a -e '^#' -e 'ERROR: .*Sanitizer' -e '^ *#[0-9]* 0x' \
	        -e 'runtime error:' $(B)/test.stderr | tail -n 60; \
	    echo "the tests' stderr: $(B)/test.stderr; one test again:" \
	        "make test-one T=tests/NAME"; \
	    exit 1; }

# What a test needs that compiles for itself: make -s show-CFLAGS
show-%:
	@echo '$($*)'

test-one:
	@$(RUN_ENV) LONG=$(LONG) PEERS=$(abspath $(DEPS))/peers \
	    DEPS=$(abspath $(DEPS)) prove -v $(T)

bench: deps-test
	@$(AGAIN) all $(TOOLS) $(B)/tests/slow.so leaf
	@$(RUN_ENV) QUICK=$(QUICK) REPORT=$(if $(QUICK)$(WORKS),,doc/benchmarks.md) \
	    sh tests/bench/bench.sh $(WORKS)

bench-tls: deps-test
	@$(AGAIN) all $(TOOLS)
	@$(RUN_ENV) sh tests/bench/tls.sh

bench-leaf: deps-test
	@$(AGAIN) all $(TOOLS) leaf
	@$(RUN_ENV) DEPS=$(abspath $(DEPS)) REPORT=doc/benchmarks.md \
	    sh tests/bench/leaf.sh

bench-keys: deps-test
	@$(AGAIN) all $(TOOLS)
	@$(RUN_ENV) RATE=$(RATE) MINUTES=$(MINUTES) BYTES=$(BYTES) \
	    sh tests/bench/keys.sh

bench-sessions: deps-test
	@$(AGAIN) all $(TOOLS)
	@$(RUN_ENV) sh tests/bench/sessions.sh

# FUZZ="qmtp door" FUZZ_RUNS=10000000 FUZZ_SECONDS=60: which, how much each.
# What was found stays in build/fuzz; fuzz-corpus packs it, made small, into
# tests/fuzz/corpus; fuzz-cover tells which lines the corpus reaches.
FUZZ_CLANG = DEPS=$(DEPS) CC=clang FUZZ="$(FUZZ)"
FUZZ_SAN   = $(FUZZ_CLANG) B=$(B)/fuzz OPT="-O2 -g" \
             FUZZ_MAIN=$(B)/fuzz/tests/fuzz/compare.o \
             SANITIZE="-D__SANITIZE_ADDRESS__=1 \
             -fsanitize=address,undefined,fuzzer-no-link \
             -fno-sanitize-recover=undefined \
             -fsanitize-coverage-ignorelist=tests/fuzz/ignore.list" \
             FUZZ_LINK="-fsanitize=fuzzer $(addprefix \
             -Wl$(COMMA)--wrap=__sanitizer_cov_trace_,$(FUZZ_CMPS))"
FUZZ_CMPS  = const_cmp1 const_cmp4 const_cmp8 cmp1 cmp4 cmp8
COMMA     := ,
FUZZ_COVER = $(FUZZ_CLANG) B=$(B)/fuzz-cover OPT="-O1 -g" \
             SANITIZE="-fprofile-instr-generate -fcoverage-mapping"
FUZZ_ENV   = BUILD=$(abspath $(B)) FUZZ="$(FUZZ)" FUZZ_RUNS="$(FUZZ_RUNS)" \
             FUZZ_SECONDS="$(FUZZ_SECONDS)"

.PHONY: fuzz fuzz-corpus fuzz-cover fuzz-mutants fuzz-build
fuzz-build: $(if $(FUZZ),$(addprefix $(B)/tests/fuzz-,$(FUZZ)),$(FUZZERS))

fuzz: deps
	@$(AGAIN) fuzz-build $(FUZZ_SAN)
	@$(FUZZ_ENV) sh tests/fuzz/run.sh fuzz

fuzz-corpus:
	@$(FUZZ_ENV) sh tests/fuzz/run.sh corpus

fuzz-mutants: deps
	@$(AGAIN) fuzz-build $(ASAN)
	@BUILD=$(abspath $(B))/asan MAKEVARS="DEPS=$(abspath $(DEPS)) OPT=-O1 \
	    SANITIZE=-fsanitize=address,undefined" sh tests/fuzz/mutants.sh

fuzz-cover: deps
	@$(AGAIN) fuzz-build $(FUZZ_COVER)
	@$(FUZZ_ENV) sh tests/fuzz/run.sh cover

.PHONY: check-format
check-format:
	clang-format --dry-run -Werror $(wildcard $(addsuffix /*.[ch],$(FOLDERS) \
	    tests tests/bench tests/fuzz))

# All programs live in one directory, where `quail run` finds its daemons;
# what people call is linked from bin. Nothing is setuid or setgid.
PREFIX  ?= /usr/local
LIBEXEC  = $(DESTDIR)$(PREFIX)/libexec/quail
SYSTEMD  = $(DESTDIR)$(PREFIX)/lib/systemd
.PHONY: install
install: all
	install -d $(LIBEXEC) $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(BIN) $(LIBEXEC)
	for p in quail qmqpc; do \
	    ln -sf ../libexec/quail/$$p $(DESTDIR)$(PREFIX)/bin/$$p || exit 1; done
	for p in $(LINKS); do \
	    ln -sf ../libexec/quail/qmqpc $(DESTDIR)$(PREFIX)/bin/$$p || exit 1; done
	for f in $(wildcard doc/*.[1-8]); do \
	    d=$(DESTDIR)$(PREFIX)/share/man/man$${f##*.}; \
	    install -d $$d && install -m 644 $$f $$d || exit 1; done
	install -d $(SYSTEMD)/system $(SYSTEMD)/../sysusers.d \
	    $(SYSTEMD)/../tmpfiles.d $(DESTDIR)$(PREFIX)/share/quail
	for f in $(wildcard packaging/systemd/*); do \
	    sed -e 's,@LIBEXEC@,$(PREFIX)/libexec/quail,' \
	    -e 's,@TMPFILES@,$(PREFIX)/lib/tmpfiles.d/quail.conf,' $$f \
	    >$(SYSTEMD)/system/$${f##*/} || exit 1; done
	install -m 644 packaging/sysusers.d/quail.conf $(SYSTEMD)/../sysusers.d
	install -m 644 packaging/tmpfiles.d/quail.conf $(SYSTEMD)/../tmpfiles.d
	sed 's,@LIBEXEC@,$(PREFIX)/libexec/quail,' packaging/cron/quail \
	    >$(DESTDIR)$(PREFIX)/share/quail/quail.cron

include packaging/leaf.mk

.PHONY: clean
clean:
	rm -rf $(B)

-include $(OBJS:.o=.d) $(TOBJS:.o=.d)
