# leaf.mk - qmqpc for small devices: static, stripped, on musl
#
#   make leaf                  B/leaf/qmqpc, B/leaf/qmqpc-plain (without TLS)
#   make leaf LEAF_ARCH=arm64  the same in B/leaf-arm64, by Debian's cross gcc
#
# Canaries are in all but BearSSL's arithmetic, and the one with TLS lies
# elsewhere in each run; the limit leaves no room for that in the other (see
# doc/decisions.md).
#
# Compiled whole, with the libraries' sources (packaging/leaf-deps.sh), so
# that the linker may drop what is not called. The one without TLS has
# packaging/leaf/plain.c in place of qmqpc/secure.c, the only file of the leaf
# that knows TLS; with it all of BearSSL is gone.

LEAF_HOST := $(shell dpkg --print-architecture 2>/dev/null)
LEAF_ARCH ?= $(LEAF_HOST)
LEAF_DEPS ?= $(DEPS)/leaf
LEAF      := $(B)/leaf$(if $(filter-out $(LEAF_HOST),$(LEAF_ARCH)),-$(LEAF_ARCH))
LEAF_MUSL := $(LEAF_DEPS)/musl-$(LEAF_ARCH)
LEAF_TRIPLET_amd64 := x86_64-linux-gnu
LEAF_TRIPLET_arm64 := aarch64-linux-gnu
LEAF_TRIPLET_armhf := arm-linux-gnueabihf
LEAF_CC   ?= $(if $(filter $(LEAF_HOST),$(LEAF_ARCH)),,$(LEAF_TRIPLET_$(LEAF_ARCH))-)gcc
LEAF_ALL  := amd64 arm64

LEAF_OPT  := -Oz -flto -ffunction-sections -fdata-sections \
             -fno-asynchronous-unwind-tables -fstack-protector-strong \
             -fPIE -fno-jump-tables -fno-ident
LEAF_CPP   = -nostdinc -isystem $(LEAF_MUSL)/include \
             -isystem $(shell $(LEAF_CC) -print-file-name=include) -I. -Dpure=
LEAF_LINK  = -nostdlib -flto-partition=one -Wl,--gc-sections \
             -Wl,-s,--build-id=none,-z,noexecstack -T packaging/leaf/leaf.ld

# Parts of a libc, made for what a leaf asks of them: a third of the file
# else; and log_keep.c, which needs to be ready for less. They come first, so
# the linker leaves musl's own alone.
LEAF_LIBC := $(filter-out %/plain.c %/tls.c,$(wildcard packaging/leaf/*.c))
LEAF_SRCS := $(filter-out lib/address_why.c lib/fs_here.c lib/heard.c lib/log_keep.c lib/log_write.c lib/dns.c \
             lib/dns_%.c lib/worker.c lib/sandbox%.c cdb/build.c \
             cdb/wall%.c $(MAINS), \
             $(filter qmqpc/% lib/% cdb/%,$(SRCS)))
LEAF_CDB  := $(addprefix tinycdb/cdb_,find.c findnext.c hash.c init.c \
             make.c make_add.c make_put.c seek.c seq.c unpack.c)
# Lengths on its stack are constants there, whatever comes from outside.
LEAF_SUMS := aead ec hash int kdf mac rand symcipher
LEAF_BEAR  = $(patsubst $(LEAF_DEPS)/%,%,$(shell find $(LEAF_DEPS)/bearssl/src -name '*.c'))

leaf_objs  = $(patsubst %.c,$(LEAF)/o/%.o,$(1))

.PHONY: leaf leaf-build
leaf: $(LEAF_DEPS)/done
	$(AGAIN) leaf-build

leaf-build: $(LEAF)/qmqpc $(LEAF)/qmqpc-plain

$(LEAF_DEPS)/done: packaging/leaf-deps.sh
	@sh packaging/deps.sh leaf
	@sh packaging/leaf-deps.sh $(LEAF_DEPS) $(LEAF_ALL)

$(LEAF)/o/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) compile $< for $(LEAF_ARCH)
	$(Q)$(LEAF_CC) $(LEAF_CPP) -isystem $(LEAF_DEPS)/libowfat \
	    -isystem $(LEAF_DEPS)/bearssl/inc $(STD) $(LEAF_OPT) $(WARN) \
	    -MMD -MP -c -o $@ $<

# What a compiler knows about malloc must not be used to make malloc.
$(LEAF)/o/packaging/leaf/alloc.o: LEAF_OPT += -fno-builtin -fno-lto
# Nor a loop be taken for the function that it makes.
$(LEAF)/o/packaging/leaf/strings.o: LEAF_OPT += -fno-builtin -fno-lto
$(LEAF)/o/cdb/map.o: LEAF_CPP := -I$(LEAF_DEPS)/tinycdb $(LEAF_CPP)

$(LEAF)/o/tinycdb/%.o: $(LEAF_DEPS)/tinycdb/%.c
	@mkdir -p $(@D)
	$(Q)$(LEAF_CC) $(LEAF_CPP) $(LEAF_OPT) -D_GNU_SOURCE -w -c -o $@ $<

$(LEAF)/o/libowfat/%.o: $(LEAF_DEPS)/libowfat/%.c
	@mkdir -p $(@D)
	$(Q)$(LEAF_CC) $(LEAF_CPP) -I$(LEAF_DEPS)/libowfat $(LEAF_OPT) -w \
	    -c -o $@ $<

$(LEAF_SUMS:%=$(LEAF)/o/bearssl/src/%/%.o): LEAF_OPT += -fno-stack-protector
$(LEAF)/o/bearssl/%.o: $(LEAF_DEPS)/bearssl/%.c
	@mkdir -p $(@D)
	$(Q)$(LEAF_CC) $(LEAF_CPP) -I$(LEAF_DEPS)/bearssl/src \
	    -I$(LEAF_DEPS)/bearssl/inc $(LEAF_OPT) -w -c -o $@ $<

$(LEAF)/leaf.a: $(call leaf_objs,$(LEAF_SRCS) $(LEAF_LIBC) $(LEAF_CDB) \
    libowfat/fmt/fmt_ulonglong.c)
	@rm -f $@
	$(Q)$(LEAF_CC)-ar crs $@ $^

$(LEAF)/bearssl.a: $(call leaf_objs,$(LEAF_BEAR))
	@rm -f $@
	$(Q)$(LEAF_CC)-ar crs $@ $^

# A compiler asks for strlen and its like only when all is linked: too late to
# be found in leaf.a first.
LEAF_PARTS := $(LEAF)/o/qmqpc/main.o $(LEAF)/o/packaging/leaf/strings.o \
    $(LEAF)/leaf.a
# What stands before leaf.a keeps its like in there out.
$(LEAF)/qmqpc: $(LEAF)/o/packaging/leaf/tls.o $(LEAF_PARTS) $(LEAF)/bearssl.a
$(LEAF)/qmqpc-plain: $(LEAF)/o/packaging/leaf/plain.o $(LEAF_PARTS)
$(LEAF)/qmqpc: LEAF_KIND := -static-pie -Wl,--defsym=leaf_base=0
$(LEAF)/qmqpc: LEAF_CRT := rcrt1.o
$(LEAF)/qmqpc-plain: LEAF_KIND := -static -no-pie -fno-pie
$(LEAF)/qmqpc-plain: LEAF_CRT := crt1.o
$(LEAF)/qmqpc $(LEAF)/qmqpc-plain: packaging/leaf/leaf.ld
$(LEAF)/qmqpc $(LEAF)/qmqpc-plain:
	$(SAY) link $@
	$(Q)$(LEAF_CC) $(LEAF_OPT) $(LEAF_LINK) $(LEAF_KIND) -o $@ \
	    $(LEAF_MUSL)/lib/$(LEAF_CRT) $(LEAF_MUSL)/lib/crti.o \
	    $(filter-out %.ld,$^) \
	    -Wl,--start-group $(LEAF_MUSL)/lib/libc.a -lgcc -Wl,--end-group \
	    $(LEAF_MUSL)/lib/crtn.o

-include $(wildcard $(LEAF)/o/*/*.d $(LEAF)/o/packaging/leaf/*.d)
