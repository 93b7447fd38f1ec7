#include "smtp-gateway/self.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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

/* Who would send to one of his own addresses would send from it, and knows
 * without sending anything. (A list of interfaces needs a socket that the
 * sandbox has none of.) */
static bool
is_interface(const struct endpoint *e)
{
	int fd = socket(e->a.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct endpoint from = {.len = sizeof from.a};
	bool found;

	if (fd < 0)
		return false; /* nor will a connection come about */
	found = connect(fd, &e->a.any, e->len) == 0 &&
		getsockname(fd, &from.a.any, &from.len) == 0 &&
		endpoint_same_address(&from, e);
	close(fd);
	return found;
}

static bool
is_nowhere(const uint8_t address[16])
{
	static const uint8_t v6[16], v4[16] = {[10] = 0xff, [11] = 0xff};

	return memcmp(address, v6, 16) == 0 || memcmp(address, v4, 13) == 0;
}

static bool
is_loopback(const uint8_t address[16])
{
	static const uint8_t v6[16] = {[15] = 1},
			     v4[16] = {[10] = 0xff, [11] = 0xff, [12] = 127};

	return memcmp(address, v6, 16) == 0 || memcmp(address, v4, 13) == 0;
}

enum self
self_address(const struct config *c, const struct endpoint *e, bool is_test)
{
	uint8_t address[16];
	struct slice source;
	enum config_mx mx = config_mx_address(c, e, &source);

	if (is_test && endpoint_address(e, address) == 0 &&
	    is_loopback(address))
		return listens_at(c, e) ? SELF_NOWHERE : SELF_NOT;
	if (mx == CONFIG_MX_NOWHERE)
		return SELF_NOWHERE;
	if (listens_at(c, e) || is_interface(e))
		return SELF_US;
	return mx == CONFIG_MX_PRIVATE ? SELF_PRIVATE : SELF_NOT;
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
