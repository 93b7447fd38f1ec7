#include "cdb/leaf.h"

#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "cdb/option.h"
#include "lib/endpoint.h"

#define QMQPS	   "qmqps:"
#define PORT	   ":628"
#define QMQPS_PORT ":6628"

/* options */

enum { TIMEOUT_MAX_S = 3600, LIFETIME_MAX_S = 366 * 86400 };

static const struct unit {
	char letter;
	uint64_t n;
} ages[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {0, 0}},
  sizes[] = {{'k', UINT64_C(1) << 10},
	     {'m', UINT64_C(1) << 20},
	     {'g', UINT64_C(1) << 30},
	     {0, 0}};

/* A number with a letter of its unit behind it, at the most max. */
static bool
amount(struct slice s, const struct unit *units, uint64_t max, uint64_t *n)
{
	char last = s.len > 1 ? s.at[s.len - 1] : 0;

	while (units->n > 0 && units->letter != last)
		units++;
	if (units->n == 0 ||
	    slice_number(slice_of(s.at, s.len - 1), max / units->n, n) != 0)
		return false;
	*n *= units->n;
	return *n > 0;
}

static bool
order(struct slice s, uint64_t *n)
{
	*n = slice_eq(s, SLICE("spread"));
	return *n == 1 || slice_eq(s, SLICE("listed"));
}

static const char *
setting_fault(struct slice key, struct slice value, uint64_t *n)
{
	if (slice_eq(key, SLICE("order")))
		return order(value, n) ? NULL
				       : "$ is no order; write order=listed "
					 "or order=spread";
	if (slice_eq(key, SLICE("timeout")))
		return amount(value, ages, TIMEOUT_MAX_S, n)
			   ? NULL
			   : "$ is no time for all hubs together; write 1s to "
			     "1h, such as timeout=30s";
	if (slice_eq(key, SLICE("lifetime")))
		return amount(value, ages, LIFETIME_MAX_S, n)
			   ? NULL
			   : "$ is no lifetime; write a number with s, m, h "
			     "or d after it, such as lifetime=5d";
	if (slice_eq(key, SLICE("spool")))
		return amount(value, sizes, INT64_MAX, n)
			   ? NULL
			   : "$ is no size; write a number with k, m or g "
			     "after it, such as spool=100m";
	return "$ is not an option of a leaf; write order=spread, "
	       "timeout=AGE, lifetime=AGE or spool=SIZE";
}

static void
take_option(struct rows *r, struct slice word)
{
	size_t eq = slice_find(word, '=');
	struct slice key = slice_of(word.at, eq);
	struct buf decimal = {0};
	uint64_t n;

	if (!rows_right(r, setting_fault(key, slice_from(word, eq + 1), &n),
			word) ||
	    !rows_first(r, key, key))
		return;
	buf_number(&decimal, n);
	rows_put(r, key, buf_slice(&decimal));
	buf_free(&decimal);
}

/* hubs */

static bool
has_port(struct slice server)
{
	struct slice host;
	uint16_t port;

	return hostport_split(server, &host, &port) == 0;
}

/* Write what was left out: brackets, and the port. */
static void
put_server(struct buf *full, struct slice server, const char *port)
{
	bool bare_v6 = server.at[0] != '[' && !has_port(server) &&
		       slice_find(server, ':') < server.len;

	if (bare_v6)
		buf_putc(full, '[');
	buf_puts(full, server);
	buf_text(full, bare_v6 ? "]" : "");
	buf_text(full, has_port(server) ? "" : port);
}

static void
take_hub(struct rows *r, struct slice word)
{
	const struct slice qmqps = SLICE(QMQPS);
	struct buf full = {0};
	struct slice low, server;
	bool tls;

	if (!rows_right(r, grammar_server_fault(word), word))
		return;
	low = rows_lower(r, word);
	tls = slice_starts(low, qmqps);
	if (tls) {
		buf_text(&full, QMQPS);
		low = slice_from(low, qmqps.len);
		r->tls_client = true;
	}
	server = slice_of(low.at, slice_find(low, '/'));
	put_server(&full, server, tls ? QMQPS_PORT : PORT);
	buf_puts(&full, slice_from(low, server.len));
	if (rows_first(r, buf_slice(&full), word))
		rows_put(r, SLICE(""), buf_slice(&full));
	buf_free(&full);
}

void
leaf_take(struct rows *r, struct slice words)
{
	struct slice word = slice_word(&words);
	bool options = option_is(word);

	if (!options)
		take_hub(r, word);
	else
		take_option(r, word);
	while ((word = slice_word(&words)).len > 0) {
		if (options && option_is(word))
			take_option(r, word);
		else
			rows_wrong(r,
				   "$ stands after a hub or an option; write "
				   "a line for each hub, and options on one "
				   "of their own",
				   word);
	}
}
