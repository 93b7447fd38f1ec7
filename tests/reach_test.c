/* reach_test.c - the first and the last address of each range, and those
 * beside it */
#include "lib/endpoint.h"
#include "lib/reach.h"
#include "tests/tap.h"

static void
is(enum reach expected, const char *text)
{
	struct slice rest = slice_text(text), word;

	while ((word = slice_word(&rest)).len > 0) {
		struct endpoint e;
		uint8_t address[16];

		if (!ok_quiet(endpoint_parse(&e, word, 25) == 0, "%s", text))
			continue;
		endpoint_address(&e, address);
		ok_quiet(reach_of(address) == expected, "%.*s: %d",
			 (int)word.len, word.at, reach_of(address));
	}
	ok(true, "%s", text);
}

int
main(void)
{
	is(REACH_NOWHERE, "0.0.0.0 0.255.255.255 127.0.0.1 127.255.255.255");
	is(REACH_PUBLIC, "1.0.0.0 126.255.255.255 128.0.0.0");
	is(REACH_NOWHERE, "169.254.0.0 169.254.169.254 169.254.255.255");
	is(REACH_PUBLIC, "169.253.255.255 169.255.0.0");
	is(REACH_NOWHERE,
	   "224.0.0.0 239.255.255.255 240.0.0.1 255.255.255.255");
	is(REACH_PUBLIC, "223.255.255.255");
	is(REACH_PRIVATE, "10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255");
	is(REACH_PUBLIC, "9.255.255.255 11.0.0.0 172.15.255.255 172.32.0.0");
	is(REACH_PRIVATE, "192.168.0.0 192.168.255.255 192.0.0.8");
	is(REACH_PUBLIC, "192.167.255.255 192.169.0.0 192.0.1.0 192.0.2.1");
	is(REACH_PRIVATE, "100.64.0.0 100.127.255.255 198.18.0.0 198.19.9.9");
	is(REACH_PUBLIC, "100.63.255.255 100.128.0.0 198.17.9.9 198.20.0.0");
	is(REACH_NOWHERE, ":: ::1 ::ffff:127.0.0.1 ::ffff:0.0.0.0 ::127.0.0.1");
	is(REACH_NOWHERE, "fe80::1 febf::1 ff02::1 ff00:: 100::1");
	is(REACH_PRIVATE, "fc00:: fdff::1 fec0::1 ::ffff:10.0.0.1");
	is(REACH_PUBLIC, "2001:db8::1 fbff::1 fe7f::1 ::ffff:192.0.2.1");
	is(REACH_NOWHERE, "64:ff9b::7f00:1 2002:7f00:1::1 2002:a9fe:1::");
	is(REACH_PRIVATE, "64:ff9b::a00:1 2002:c0a8:101:: 64:ff9b:1::1");
	is(REACH_PUBLIC, "64:ff9b::808:808 2002:808:808::1 64:ff9b:2::1");
	return tap_done();
}
