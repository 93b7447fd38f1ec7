#include "smtp-gateway/self.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>

static bool
same_name(struct slice host, struct slice name)
{
	return name.len > 0 && slice_case_eq(host, name);
}

static bool
is_localhost(struct slice host)
{
	struct slice name = SLICE("localhost"), below = SLICE(".localhost");

	return same_name(host, name) ||
	       same_name(host, SLICE("localhost.localdomain")) ||
	       (host.len > below.len &&
		slice_case_eq(slice_from(host, host.len - below.len), below));
}

enum self
self_name(const struct config *c, struct slice helo, struct slice host)
{
	struct slice helohost = SLICE("");

	if (host.len > 0 && host.at[host.len - 1] == '.')
		host.len--;
	if (is_localhost(host))
		return SELF_NOWHERE;
	config_text(c, "helohost", &helohost);
	return same_name(host, config_me(c)) || same_name(host, helohost) ||
		       same_name(host, helo)
		   ? SELF_US
		   : SELF_NOT;
}

static bool
listens_at(const struct config *c, const struct endpoint *e)
{
	static const char *const protocols[] = {"smtp", "qmtp", "qmtps", "qmqp",
						"qmqps"};
	struct slice line, host;
	struct endpoint at;
	uint16_t port;
	unsigned n;
	size_t i;

	for (i = 0; i < sizeof protocols / sizeof *protocols; i++)
		for (n = 0; config_listen(c, protocols[i], n, &line); n++)
			if (hostport_split(line, &host, &port) == 0 &&
			    endpoint_parse(&at, host, port) == 0 &&
			    endpoint_same_address(&at, e))
				return true;
	return false;
}

static bool
is_interface(const struct endpoint *e)
{
	struct ifaddrs *all, *one;
	bool found = false;

	if (getifaddrs(&all) != 0)
		return false;
	for (one = all; one && !found; one = one->ifa_next) {
		struct endpoint at = {.len = sizeof at.a};

		if (!one->ifa_addr || (one->ifa_addr->sa_family != AF_INET &&
				       one->ifa_addr->sa_family != AF_INET6))
			continue;
		memcpy(&at.a, one->ifa_addr,
		       one->ifa_addr->sa_family == AF_INET
			   ? sizeof(struct sockaddr_in)
			   : sizeof(struct sockaddr_in6));
		found = endpoint_same_address(&at, e);
	}
	freeifaddrs(all);
	return found;
}

static const uint8_t in_v6[12] = {[10] = 0xff, 0xff}; /* ::ffff:a.b.c.d */

static bool
is_nowhere(const uint8_t address[16])
{
	static const uint8_t none[16];

	return memcmp(address, none, 16) == 0 ||
	       (memcmp(address, in_v6, 12) == 0 && address[12] == 0);
}

static bool
is_loopback(const uint8_t address[16])
{
	static const uint8_t one[16] = {[15] = 1};

	return memcmp(address, one, 16) == 0 ||
	       (memcmp(address, in_v6, 12) == 0 && address[12] == 127);
}

enum self
self_address(const struct config *c, const struct endpoint *e, bool is_test)
{
	uint8_t address[16];

	if (endpoint_address(e, address) != 0 || is_nowhere(address))
		return SELF_NOWHERE;
	if (is_loopback(address))
		return is_test && !listens_at(c, e) ? SELF_NOT : SELF_NOWHERE;
	return listens_at(c, e) || is_interface(e) ? SELF_US : SELF_NOT;
}

static bool
is_ours(const struct endpoint *e)
{
	uint8_t address[16];

	return endpoint_address(e, address) == 0 &&
	       (is_loopback(address) || is_interface(e));
}

bool
self_serves(const struct config *c, const struct endpoint *e)
{
	struct endpoint at;
	struct slice line, host;
	uint8_t address[16];
	uint16_t port;
	unsigned n;

	for (n = 0; config_listen(c, "smtp", n, &line); n++) {
		if (hostport_split(line, &host, &port) != 0 ||
		    endpoint_parse(&at, host, port) != 0 ||
		    port != endpoint_port(e))
			continue;
		if (endpoint_same_address(&at, e) ||
		    (endpoint_address(&at, address) == 0 &&
		     is_nowhere(address) && is_ours(e)))
			return true;
	}
	return false;
}
