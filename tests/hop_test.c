/* hop_test - names of next hops, with and without TLS */
#include "lib/hop.h"

#include "tests/tap.h"

#define PIN                                                                    \
	"sha256:"                                                              \
	"0123456789abcdef0123456789abcdef0123456789ABCDEF0123456789abcd"       \
	"ef"

static const struct {
	const char *name, *address, *host;
	unsigned port;
	bool is_tls, is_pinned;
} good[] = {
    {"h.test:628", "h.test:628", "h.test", 628, false, false},
    {"[::1]:1", "[::1]:1", "::1", 1, false, false},
    {"qmqps:h.test:6628", "h.test:6628", "h.test", 6628, true, false},
    {"qmqps:1.2.3.4:7/" PIN, "1.2.3.4:7", "1.2.3.4", 7, true, true},
    {"qmqps:[2001:db8::1]:65535/" PIN, "[2001:db8::1]:65535", "2001:db8::1",
     65535, true, true},
};

static const char *const bad[] = {
    "",
    "h",
    "h:0",
    "h:65536",
    ":628",
    "h:628/" PIN,
    "qmtps:h:209",
    "qmqps:",
    "qmqps:h",
    "qmqps:h:6628/",
    "qmqps:h:6628/sha256:",
    "qmqps:h:6628/x" PIN,
    "qmqps:h:6628/" PIN "0",
    "qmqps:h:6628/" PIN "/" PIN,
    "qmqps:::1:6628/" PIN,
    "qmqps:/" PIN,
};

int
main(void)
{
	struct hop_name h;
	size_t i;

	for (i = 0; i < sizeof good / sizeof *good; i++)
		ok(hop_parse(&h, slice_text(good[i].name), "qmqps:") == 0 &&
		       slice_eq(h.address, slice_text(good[i].address)) &&
		       slice_eq(h.host, slice_text(good[i].host)) &&
		       h.port == good[i].port && h.is_tls == good[i].is_tls &&
		       h.is_pinned == good[i].is_pinned,
		   "%s", good[i].name);
	ok(h.pin.bytes[0] == 0x01 && h.pin.bytes[31] == 0xef, "its pin");
	for (i = 0; i < sizeof bad / sizeof *bad; i++)
		ok(hop_parse(&h, slice_text(bad[i]), "qmqps:") != 0, "no: %s",
		   bad[i]);
	return tap_done();
}
