# quail - one Makefile. `make` builds everything into build/; see README.md.
#
#   make          all programs, in build/bin
#   make demo     a leaf, two hubs and an edge carry two messages on loopback
#   make test     all tests under prove (installs what is missing first)
#   make clean

B        := build
CC       ?= gcc
OPT      ?= -O2 -g
STD      := -std=c11 -D_GNU_SOURCE
WARN     := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes \
            -Wmissing-prototypes -Wpointer-arith -Wvla
HARDEN   := -fstack-protector-strong -fstack-clash-protection -fPIE \
            $(if $(findstring -O0,$(OPT)),,-D_FORTIFY_SOURCE=2)
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack

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
CFLAGS   += $(STD) $(OPT) $(WARN) $(HARDEN) $(SANITIZE)
LDFLAGS  += $(OPT) $(LDHARDEN) $(SANITIZE)
LDLIBS   := -lowfat

# One library per folder: every .c but the mains. A program is its main plus
# the libraries named here: this table is the whole link-time architecture.
FOLDERS := lib cdb queue maildir qmtpd qmqpd qmqpc smtp-gateway
lib_of   = $(foreach f,$(1),$(B)/$(f).a) $(if $(filter cdb,$(1)),$(CDB_A))

PROGRAMS := quail quail-queue qmqpd qmtpd qmtpc smtp-gateway maildir sendmail
BIN      := $(addprefix $(B)/bin/,$(PROGRAMS))

.PHONY: all
all: $(BIN)

$(B)/bin/quail:        $(B)/queue/quail_main.o $(call lib_of,queue cdb lib)
$(B)/bin/quail-queue:  $(B)/queue/main.o $(call lib_of,queue cdb lib)
$(B)/bin/qmqpd:        $(B)/qmqpd/main.o $(call lib_of,qmqpd cdb lib)
$(B)/bin/qmtpd:        $(B)/qmtpd/main.o $(call lib_of,qmtpd cdb lib)
$(B)/bin/qmtpc:        $(B)/qmtpd/qmtpc_main.o $(call lib_of,qmtpd cdb lib)
$(B)/bin/smtp-gateway: $(B)/smtp-gateway/main.o $(call lib_of,smtp-gateway cdb lib)
$(B)/bin/maildir:      $(B)/maildir/main.o $(call lib_of,maildir cdb lib)
$(B)/bin/sendmail:     $(B)/qmqpc/main.o $(call lib_of,qmqpc cdb lib)

# The only two programs that look names up without blocking.
$(B)/bin/qmtpc $(B)/bin/smtp-gateway: LDLIBS += -lcares

SRCS  := $(wildcard $(addsuffix /*.c,$(FOLDERS)))
MAINS := $(filter %main.c,$(SRCS))
OBJS  := $(patsubst %.c,$(B)/%.o,$(SRCS))

define folder_library
$(B)/$(1).a: $$(patsubst %.c,$(B)/%.o,$$(filter $(1)/%,$$(filter-out $$(MAINS),$$(SRCS))))
	@rm -f $$@
	ar crs $$@ $$^
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_library,$(f))))

$(BIN):
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/cdb/map.o: CPPFLAGS := -I$(CDBDIR)/include $(CPPFLAGS)
$(B)/cdb/map.o: | $(CDB_A)

# Debian only; elsewhere set CDBDIR to where TinyCDB is installed.
$(CDB_A):
	mkdir -p $(DEPS)/dl $(DEPS)/tinycdb
	cd $(DEPS)/dl && apt-get -qq download libcdb-dev
	dpkg-deb -x $(DEPS)/dl/libcdb-dev_*.deb $(DEPS)/tinycdb

.PHONY: clean
clean:
	rm -rf $(B)

-include $(OBJS:.o=.d)
