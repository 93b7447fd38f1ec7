#include "cdb/grammar.h"

#include "lib/address.h"
#include "lib/endpoint.h"
#include "lib/tls_pin.h"

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
label_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || digit(c) ||
	       c == '-' || c == '_';
}

static bool
label_good(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!label_byte(s.at[i]))
			return false;
	return s.len > 0 && s.len <= GRAMMAR_LABEL_MAX && s.at[0] != '-' &&
	       s.at[s.len - 1] != '-';
}

bool
grammar_domain(struct slice s)
{
	struct slice rest = s;

	if (s.len > GRAMMAR_DOMAIN_MAX)
		return false;
	for (;;) {
		size_t dot = slice_find(rest, '.');

		if (!label_good(slice_of(rest.at, dot)))
			return false;
		if (dot == rest.len)
			return true;
		rest = slice_from(rest, dot + 1);
	}
}

static bool
eight_bit(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if ((unsigned char)s.at[i] >= 0x80)
			return true;
	return false;
}

const char *
grammar_domain_fault(struct slice s)
{
	if (grammar_domain(s))
		return NULL;
	if (eight_bit(s))
		return "$ is not in ASCII; write the domain in its xn-- form";
	if (slice_find(s, '@') < s.len)
		return "$ is an address; write only the domain, such as "
		       "example.org";
	if (s.len > 1 && s.at[s.len - 1] == '.')
		return "$ ends with a dot; write the domain without it";
	return "$ is not a domain; write one such as example.org";
}

bool
grammar_suffix(struct slice s)
{
	return s.len > 1 && s.at[0] == '.' && grammar_domain(slice_from(s, 1));
}

bool
grammar_address(struct slice s)
{
	struct slice local, domain;
	size_t i;

	if (s.len > ADDRESS_MAX || !address_split(s, &local, &domain))
		return false;
	for (i = 0; i < local.len; i++)
		if ((unsigned char)local.at[i] <= ' ' || local.at[i] == 0x7f)
			return false;
	return local.len > 0 && !slice_eq(local, SLICE("*")) &&
	       grammar_domain(domain);
}

const char *
grammar_local_part_fault(struct slice s)
{
	static const char marks[] = "!#$%&'*+-/=?^_`{|}~.";
	size_t i;

	for (i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (!digit(c) && !((c | 32) >= 'a' && (c | 32) <= 'z') &&
		    !memchr(marks, c, sizeof marks - 1))
			break;
	}
	if (i == s.len && i > 0 && i <= GRAMMAR_LOCAL_MAX && s.at[0] != '.' &&
	    s.at[i - 1] != '.' && !memmem(s.at, s.len, "..", 2))
		return NULL;
	if (slice_find(s, '@') < s.len)
		return "$ is an address; write only what stands before its '@'";
	return "$ is not the local part of an address; write one such as "
	       "postmaster";
}

/* Digits and dots: that is meant to be a v4 address. */
static bool
looks_numeric(struct slice s)
{
	size_t dot = slice_find_last(s, '.');
	struct slice last = dot < s.len ? slice_from(s, dot + 1) : s;
	size_t i;

	for (i = 0; i < last.len; i++)
		if (!digit(last.at[i]))
			return false;
	return true;
}

bool
grammar_host(struct slice s)
{
	struct endpoint e;

	if (endpoint_parse(&e, s, 1) == 0)
		return true;
	return grammar_domain(s) && !looks_numeric(s);
}

const char *
grammar_route_fault(struct slice s)
{
	if (slice_eq(s, SLICE("*")) || grammar_domain(s) || grammar_suffix(s) ||
	    grammar_address(s))
		return NULL;
	if (slice_starts(s, SLICE("*@")))
		return "$ has a star that is not needed; write the domain "
		       "alone";
	if (slice_starts(s, SLICE("*.")))
		return "$ begins with a star; write .suffix for the domains "
		       "below, such as .example.org";
	return "$ is not a pattern of routes; write user@domain, domain, "
	       ".suffix or *";
}

const char *
grammar_user_fault(struct slice s)
{
	if (grammar_address(s) ||
	    (slice_starts(s, SLICE("*@")) && grammar_domain(slice_from(s, 2))))
		return NULL;
	if (grammar_domain(s) && slice_find(s, '.') < s.len)
		return "$ is only a domain; write *@DOMAIN for all its "
		       "addresses";
	return "$ is not a pattern of addresses; write user@domain or *@domain";
}

static const char *
path_fault(struct slice path)
{
	struct slice rest = path;
	size_t i;

	for (i = 0; i < path.len; i++) {
		if (path.at[i] != '%')
			continue;
		if (++i == path.len || (path.at[i] != 'u' && path.at[i] != 'd'))
			return "$ has a mark other than %u (the local part) "
			       "and %d (the domain) in its path; use these";
	}
	for (;;) {
		size_t slash = slice_find(rest, '/');

		if (slice_eq(slice_of(rest.at, slash), SLICE("..")))
			return "$ climbs out with \"..\"; write the path "
			       "without it";
		if (slash == rest.len)
			return NULL;
		rest = slice_from(rest, slash + 1);
	}
}

const char *
grammar_mailbox_fault(struct slice s)
{
	const struct slice kind = SLICE("maildir:");

	if (!slice_starts(s, kind))
		return "$ is not a mailbox; write maildir:PATH, such as "
		       "maildir:mail/%u";
	if (s.len == kind.len)
		return "$ has no path; write one after it, such as "
		       "maildir:mail/%u";
	return path_fault(slice_from(s, kind.len));
}

static bool
host_and_port(struct slice s)
{
	struct slice host;
	uint16_t port;

	return hostport_split(s, &host, &port) == 0 && grammar_host(host);
}

const char *
grammar_client_name_fault(struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!label_byte(s.at[i]) && s.at[i] != '.')
			break;
	return i == s.len && i > 0 && i <= GRAMMAR_LABEL_MAX
		   ? NULL
		   : "$ is not a name for a client; write 1 to 63 letters, "
		     "digits, '.', '-' and '_'";
}

/* Without a pin it must be a name that a certificate can be for. */
static const char *
qmtps_fault(struct slice s)
{
	size_t slash = slice_find(s, '/');
	struct slice host;
	struct endpoint e;
	struct tls_pin pin;
	uint16_t port;

	if (!host_and_port(slice_of(s.at, slash)))
		return "$ has no good host and port; write qmtps:HOST:PORT, "
		       "such as qmtps:hub.example.org:6209, or "
		       "qmtps:HOST:PORT/PIN";
	if (slash < s.len)
		return tls_pin_parse(slice_from(s, slash + 1), &pin) == 0
			   ? NULL
			   : "$ has no good pin after its slash; write it as "
			     "quail key prints it, sha256: and 64 digits";
	hostport_split(s, &host, &port);
	return endpoint_parse(&e, host, port) != 0
		   ? NULL
		   : "$ has an address, which no certificate is for; write a "
		     "name, or the pin of its key: qmtps:HOST:PORT/PIN";
}

const char *
grammar_nexthop_fault(struct slice s)
{
	const struct slice qmtp = SLICE("qmtp:"), smtp = SLICE("smtp:");
	const struct slice qmtps = SLICE("qmtps:");

	if (slice_starts(s, qmtp))
		return host_and_port(slice_from(s, qmtp.len))
			   ? NULL
			   : "$ has no good host and port; write "
			     "qmtp:HOST:PORT, such as qmtp:hub.example.org:209";
	if (slice_starts(s, qmtps))
		return qmtps_fault(slice_from(s, qmtps.len));
	if (slice_eq(s, SLICE("smtp:mx")))
		return NULL;
	if (slice_starts(s, smtp))
		return host_and_port(slice_from(s, smtp.len))
			   ? NULL
			   : "$ has no good host and port; write "
			     "smtp:HOST:PORT, such as smtp:mx.example.org:25, "
			     "or smtp:mx";
	return "$ is not a next hop; write qmtp:HOST:PORT, qmtps:HOST:PORT, "
	       "smtp:HOST:PORT, smtp:mx, NAME:PLACE for a NAME of agents, "
	       "local, hold, discard or reject TEXT";
}

bool
grammar_is_agent(struct slice s)
{
	static const char *const taken[] = {"qmtp",    "qmtps", "smtp",
					    "maildir", "hold",	"discard",
					    "local",   "reject"};
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!label_byte(s.at[i]) || s.at[i] == '_')
			return false;
	for (i = 0; i < sizeof taken / sizeof *taken; i++)
		if (slice_case_eq(s, slice_text(taken[i])))
			return false;
	return s.len > 0 && s.len <= GRAMMAR_AGENT_MAX;
}

const char *
grammar_listen_fault(struct slice s)
{
	struct endpoint e;
	struct slice host;
	uint16_t port;

	if (hostport_split(s, &host, &port) != 0)
		return "$ is not an address and a port; write ADDRESS:PORT, "
		       "such as 127.0.0.1:628 or [::1]:628";
	if (endpoint_parse(&e, host, port) != 0)
		return "$ has a name where a numeric address must be; write "
		       "ADDRESS:PORT, 0.0.0.0 or [::] for all addresses";
	return NULL;
}

static bool
is_server(struct slice s)
{
	struct slice inside = s;

	if (s.len > 2 && s.at[0] == '[' && s.at[s.len - 1] == ']')
		inside = slice_of(s.at + 1, s.len - 2);
	return host_and_port(s) || grammar_host(inside);
}

/* Without a pin it must be a name that a certificate can be for. */
static const char *
qmqps_fault(struct slice s)
{
	size_t slash = slice_find(s, '/');
	struct slice server = slice_of(s.at, slash), host;
	struct endpoint e;
	struct tls_pin pin;
	uint16_t port;

	if (!is_server(server))
		return "$ has no good host; write qmqps:HOST or "
		       "qmqps:HOST:PORT, [V6]:PORT for a v6 address, and "
		       "/PIN after it";
	if (slash < s.len)
		return tls_pin_parse(slice_from(s, slash + 1), &pin) == 0
			   ? NULL
			   : "$ has no good pin after its slash; write it as "
			     "quail key prints it, sha256: and 64 digits";
	if (hostport_split(server, &host, &port) != 0)
		host = server;
	return grammar_domain(host) && endpoint_parse(&e, host, 1) != 0
		   ? NULL
		   : "$ has an address, which no certificate is for; write a "
		     "name, or the pin of its key: qmqps:HOST:PORT/PIN";
}

const char *
grammar_server_fault(struct slice s)
{
	size_t colon = slice_find(s, ':');

	if (slice_case_eq(slice_of(s.at, colon), SLICE("qmqps")))
		return colon < s.len
			   ? qmqps_fault(slice_from(s, colon + 1))
			   : "$ is how TLS begins, and no host; write "
			     "qmqps:HOST or qmqps:HOST:PORT, and /PIN after "
			     "it";
	if (is_server(s))
		return NULL;
	if (slice_find(s, '/') < s.len)
		return "$ has a pin but no TLS; write qmqps:HOST:PORT/PIN";
	return "$ is not a server; write HOST or HOST:PORT, [V6]:PORT for a "
	       "v6 address";
}
