/* tls_hello_test - the look ahead: cuts, wrong lengths, two lists */
#include "lib/tls_hello.h"

#include "lib/buf.h"
#include "tests/tap.h"

#include <stdlib.h>

static const char *const names[] = {"quail/1", "qmtp"};

/* Each in memory of its own, so that ASan sees a step too far. */
static bool
fits(struct slice s)
{
	char *copy = malloc(s.len + 1);
	bool r;

	memcpy(copy, s.at, s.len);
	copy = realloc(copy, s.len ? s.len : 1);
	r = tls_hello_fits(slice_of(copy, s.len), names, 2);
	free(copy);
	return r;
}

#define SUITES "\0\4\xc0\x2b\xc0\x2c\1\0"
#define SNI    "\0\0\0\3abc"
#define ALPN1  "\0\x10\0\x0a\0\x08\7quail/1"
#define ALPN2  "\0\x10\0\x08\0\6\2h2\2h3"
#define BOTH   "\0\x10\0\x0d\0\x0b\2h2\7quail/1"

static const struct {
	const char *name;
	struct slice rest;
	bool fits;
} table[] = {
    {"no extensions", SLICE(SUITES), true},
    {"none of them", SLICE(SUITES "\0\0"), true},
    {"no protocols", SLICE(SUITES "\0\7" SNI), true},
    {"ours", SLICE(SUITES "\0\x0e" ALPN1), true},
    {"ours, behind a name", SLICE(SUITES "\0\x15" SNI ALPN1), true},
    {"ours, in front of a name", SLICE(SUITES "\0\x15" ALPN1 SNI), true},
    {"ours among others", SLICE(SUITES "\0\x11" BOTH), true},
    {"ours in front of others",
     SLICE(SUITES "\0\x11\0\x10\0\x0d\0\x0b\7quail/1\2h2"), true},
    {"others", SLICE(SUITES "\0\x0c" ALPN2), false},
    {"two lists", SLICE(SUITES "\0\x1a" ALPN1 ALPN2), false},
    {"two lists of ours", SLICE(SUITES "\0\x1c" ALPN1 ALPN1), false},
    {"an empty list", SLICE(SUITES "\0\6\0\x10\0\2\0\0"), false},
    {"no list", SLICE(SUITES "\0\4\0\x10\0\0"), false},
    {"an empty name", SLICE(SUITES "\0\7\0\x10\0\3\0\1\0"), false},
    {"a name in front of ours only",
     SLICE(SUITES "\0\x0d\0\x10\0\x09\0\7\6quail/"), false},
    {"a byte behind the list",
     SLICE(SUITES "\0\x0f\0\x10\0\x0b\0\x08\7quail/1x"), false},
    {"a byte behind all", SLICE(SUITES "\0\x0e" ALPN1 "x"), false},
    {"a list longer than its extension",
     SLICE(SUITES "\0\x0e\0\x10\0\x0a\0\x09\7quail/1"), false},
    {"a name longer than its list",
     SLICE(SUITES "\0\x0e\0\x10\0\x0a\0\x08\x08quail/1"), false},
};

static unsigned seed = 1;

static unsigned
any(unsigned below)
{
	seed = seed * 1103515245u + 12345u;
	return (seed >> 16) % below;
}

/* Bytes changed at random: nothing may be read that is not there. */
static void
test_changed(void)
{
	struct slice s = SLICE(SUITES "\0\x18" SNI BOTH);
	size_t i, n_fit = 0;
	char room[64];

	for (i = 0; i < 20000; i++) {
		memcpy(room, s.at, s.len);
		room[any((unsigned)s.len)] = (char)any(256);
		room[any((unsigned)s.len)] = (char)any(30);
		n_fit += fits(slice_of(room, s.len));
	}
	ok(n_fit > 100 && n_fit < 15000, "changed: %zu of 20000 fit", n_fit);
}

int
main(void)
{
	struct slice whole = SLICE(SUITES "\0\x18" SNI BOTH);
	size_t i, n_fit = 0;

	for (i = 0; i < sizeof table / sizeof *table; i++)
		ok(fits(table[i].rest) == table[i].fits, "%s", table[i].name);
	for (i = 0; i < whole.len; i++)
		n_fit += fits(slice_of(whole.at, i));
	ok(fits(whole) && n_fit == 1, "cut: only where extensions may begin");
	test_changed();
	return tap_done();
}
