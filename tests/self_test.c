/* self_test.c - which names and addresses are ourselves */
#include "smtp-gateway/self.h"
#include "tests/tables.h"

#include <ifaddrs.h>
#include <netinet/in.h>

static struct config config;

static void
name(const char *host, enum self expected)
{
	enum self got =
	    self_name(&config, SLICE("pool.example"), slice_text(host));

	ok(got == expected, "%s: %d", host, got);
}

static void
address(const char *host, enum self expected, enum self in_tests)
{
	struct endpoint e;
	enum self got, tests;

	if (!ok(endpoint_parse(&e, slice_text(host), 25) == 0, "%s", host))
		return;
	got = self_address(&config, &e, false);
	tests = self_address(&config, &e, true);
	ok(got == expected && tests == in_tests, "%s: %d, in tests %d", host,
	   got, tests);
}

static void
serves(const char *host, uint16_t port, bool expected)
{
	struct endpoint e;

	endpoint_parse(&e, slice_text(host), port);
	ok(self_serves(&config, &e) == expected, "%s:%u", host, port);
}

/* Any of this machine's that is not on the loopback. */
static void
interfaces(void)
{
	struct ifaddrs *all, *one;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return;
	for (one = all; one && !found; one = one->ifa_next) {
		struct endpoint e = {.len = sizeof(struct sockaddr_in)};

		if (!one->ifa_addr || one->ifa_addr->sa_family != AF_INET)
			continue;
		memcpy(&e.a, one->ifa_addr, sizeof(struct sockaddr_in));
		found = ntohl(((struct sockaddr_in *)(void *)one->ifa_addr)
				  ->sin_addr.s_addr) >>
			    24 !=
			127;
		if (found)
			ok(self_address(&config, &e, false) == SELF_US &&
			       self_address(&config, &e, true) == SELF_US,
			   "an interface's address");
	}
	if (!found)
		ok(true, "# SKIP there is no interface but the loopback");
	freeifaddrs(all);
}

int
main(void)
{
	struct buf why = {0};

	tables_begin();
	table("me", "hub.example\n");
	table("locals", "hub.example\n");
	table("users", "*@hub.example maildir:a\n");
	table("helohost", "Out.example\n");
	table("listen", "smtp 127.0.0.5:2525\nqmtp 192.0.2.9:209\n"
			"smtp 0.0.0.0:10025\n");
	table("mxnetworks", "10.1.0.0/16\nfd00:1::/32\n");
	says("the tables", BUILD_DONE, "", "");
	if (!ok(config_open(&config, "config.cdb", &why) == 0, "they open"))
		return tap_done();
	name("hub.example", SELF_US);
	name("HUB.example.", SELF_US);
	name("out.example", SELF_US);
	name("pool.example", SELF_US);
	name("ahub.example", SELF_NOT);
	name("", SELF_NOT);
	name("localhost", SELF_NOWHERE);
	name("LocalHost.", SELF_NOWHERE);
	name("localhost.localdomain", SELF_NOWHERE);
	name("a.localhost", SELF_NOWHERE);
	name("notlocalhost", SELF_NOT);
	address("127.0.0.1", SELF_NOWHERE, SELF_NOT);
	address("127.0.0.5", SELF_NOWHERE, SELF_NOWHERE);
	address("127.255.3.4", SELF_NOWHERE, SELF_NOT);
	address("::ffff:127.0.0.1", SELF_NOWHERE, SELF_NOT);
	address("::1", SELF_NOWHERE, SELF_NOT);
	address("0.0.0.0", SELF_NOWHERE, SELF_NOWHERE);
	address("0.1.2.3", SELF_NOWHERE, SELF_NOWHERE);
	address("::", SELF_NOWHERE, SELF_NOWHERE);
	address("192.0.2.9", SELF_US, SELF_US);
	address("192.0.2.10", SELF_NOT, SELF_NOT);
	address("2001:db8::1", SELF_NOT, SELF_NOT);
	address("169.254.169.254", SELF_NOWHERE, SELF_NOWHERE);
	address("fe80::1", SELF_NOWHERE, SELF_NOWHERE);
	address("224.0.0.1", SELF_NOWHERE, SELF_NOWHERE);
	address("255.255.255.255", SELF_NOWHERE, SELF_NOWHERE);
	address("ff02::1", SELF_NOWHERE, SELF_NOWHERE);
	address("64:ff9b::7f00:1", SELF_NOWHERE, SELF_NOWHERE);
	address("10.2.255.1", SELF_PRIVATE, SELF_PRIVATE);
	address("10.1.255.1", SELF_NOT, SELF_NOT);
	address("::ffff:10.1.255.1", SELF_NOT, SELF_NOT);
	address("192.168.255.254", SELF_PRIVATE, SELF_PRIVATE);
	address("100.64.255.1", SELF_PRIVATE, SELF_PRIVATE);
	address("fd00:1::77", SELF_NOT, SELF_NOT);
	address("fd00:2::77", SELF_PRIVATE, SELF_PRIVATE);
	interfaces();
	serves("127.0.0.5", 2525, true);
	serves("127.0.0.5", 25, false);
	serves("127.0.0.6", 2525, false);
	serves("127.0.0.6", 10025, true);
	serves("192.0.2.10", 10025, false);
	serves("192.0.2.9", 209, false);
	config_close(&config);
	buf_free(&why);
	tables_end();
	return tap_done();
}
