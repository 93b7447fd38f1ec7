/* take_clients.c - the tables about networks: listen, access, serverlimits,
 * mxnetworks */
#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "cdb/option.h"
#include "cdb/rows_tables.h"
#include "lib/reach.h"
#include "lib/tls_pin.h"

static bool
network_of(struct rows *r, struct slice word, struct network *n)
{
	enum network_result result = network_parse(n, word);

	if (result == NETWORK_GOOD)
		return true;
	if (result == NETWORK_BAD) {
		rows_wrong(r,
			   "$ is not a network; write ADDRESS or ADDRESS/BITS, "
			   "such as 192.0.2.0/24 or 2001:db8::/32",
			   word);
		return false;
	}
	buf_clear(&r->text);
	buf_text(&r->text, "$ has bits set after the network part; write ");
	network_text(n, &r->text);
	buf_putc(&r->text, 0);
	rows_wrong(r, r->text.mem, word);
	return false;
}

/* proxy=NETWORK,... */
static bool
proxy_right(struct rows *r, struct slice option)
{
	struct slice rest = option;
	struct network n;
	size_t count = 0;

	if (option.len == 0)
		return true;
	if (!slice_starts(option, SLICE(CONFIG_PROXY))) {
		rows_wrong(r,
			   "$ is not an option of listen; write "
			   "proxy=NETWORK, those of your load balancers",
			   option);
		return false;
	}
	rest = slice_from(rest, sizeof CONFIG_PROXY - 1);
	do
		if (!network_of(r, config_part(&rest), &n))
			return false;
	while (++count < SERVER_TRUSTED_MAX && rest.len > 0);
	if (rest.len > 0)
		rows_wrong(r, "$ has more than 8 networks", option);
	return rest.len == 0;
}

/* How many listen lines has the protocol now? More than a front end takes? */
static bool
too_many(struct rows *r, struct slice protocol)
{
	uint32_t i;

	for (i = 1; i <= SERVER_LISTEN_MAX; i++) {
		char key[16];

		memcpy(key, protocol.at, protocol.len);
		key[protocol.len] = (char)i;
		if (!seen_put(&r->seen, "listen count",
			      slice_of(key, protocol.len + 1), rows_mark(r)))
			return false;
	}
	return true;
}

void
rows_take_listen(struct rows *r, struct slice words)
{
	struct slice protocol = slice_word(&words),
		     address = slice_word(&words);
	struct slice proxy = slice_trim(words);
	bool tls = slice_eq(protocol, SLICE("qmqps")) ||
		   slice_eq(protocol, SLICE("qmtps"));

	if (!tls && !slice_eq(protocol, SLICE("qmqp")) &&
	    !slice_eq(protocol, SLICE("qmtp")) &&
	    !slice_eq(protocol, SLICE("smtp"))) {
		rows_wrong(r,
			   "$ is not a protocol; write qmqp, qmtp, smtp, qmqps "
			   "or qmtps",
			   protocol);
		return;
	}
	if (!rows_right(r, grammar_listen_fault(address), address) ||
	    !rows_first(r, address, address) || !proxy_right(r, proxy))
		return;
	if (too_many(r, protocol)) {
		rows_wrong(
		    r,
		    "$ has more than 16 lines; listen at 0.0.0.0 or [::] "
		    "instead",
		    protocol);
		return;
	}
	buf_clear(&r->low);
	buf_puts(&r->low, protocol);
	buf_putc(&r->low, ':');
	buf_puts(&r->low, address);
	seen_put(&r->seen, "listen as", buf_slice(&r->low), rows_mark(r));
	r->needs |= slice_eq(protocol, SLICE("smtp")) ? CONFIG_NEEDS_LEAFDOOR
						      : CONFIG_NEEDS_QUEUE;
	r->tls_server |= tls;
	buf_clear(&r->low);
	buf_puts(&r->low, address);
	if (proxy.len > 0) {
		buf_putc(&r->low, ' ');
		buf_puts(&r->low, proxy);
	}
	rows_put(r, protocol, buf_slice(&r->low));
}

/* One of access's options: append it as it is looked up. */
static bool
option_of(struct rows *r, struct slice word, struct buf *out)
{
	const struct slice low = rows_lower(r, word);
	size_t eq = slice_find(low, '=');
	struct slice name = slice_of(low.at, eq);
	struct slice value = slice_from(low, eq + 1), rest = buf_slice(out);
	struct option_rate rate = option_parse_rate(value);

	if (!rows_right(r, grammar_access_fault(low), word))
		return false;
	while (rest.len > 0) {
		struct slice earlier = slice_word(&rest);

		if (slice_eq(slice_of(earlier.at, slice_find(earlier, '=')),
			     name)) {
			rows_wrong(r, "$ is there already; write it once",
				   word);
			return false;
		}
	}
	buf_putc(out, ' ');
	buf_puts(out, slice_of(low.at, eq + 1));
	if (slice_eq(name, SLICE("rate"))) {
		buf_number(out, rate.n);
		buf_putc(out, '/');
		buf_number(out, rate.per_s);
	} else if (slice_eq(name, SLICE("senders"))) {
		buf_puts(out, value);
	} else {
		uint64_t n = 0;

		grammar_size(value, &n);
		buf_number(out, n);
	}
	return true;
}

/* The rights as a number; and the options, each with a blank before it. */
static bool
rights_of(struct rows *r, struct slice words, unsigned *rights,
	  struct buf *options)
{
	bool none = false, some = false;
	struct slice word;

	*rights = 0;
	while ((word = slice_word(&words)).len > 0) {
		if (slice_eq(word, SLICE("relay"))) {
			*rights |= CONFIG_RELAY;
			some = true;
		} else if (slice_eq(word, SLICE("repeats"))) {
			*rights |= CONFIG_REPEATS;
			some = true;
		} else if (slice_eq(word, SLICE("none"))) {
			none = true;
		} else if (option_is(word)) {
			if (!option_of(r, word, options))
				return false;
			*rights |= CONFIG_LIMITED;
		} else {
			rows_wrong(r,
				   "$ is not a right; write relay, repeats or "
				   "none, then options such as size=10M",
				   word);
			return false;
		}
	}
	if (none && some)
		rows_wrong(r, "$ excludes all other rights; write it alone",
			   SLICE("none"));
	return !(none && some);
}

/* sha256:PIN NAME RIGHT... */
static void
take_pin(struct rows *r, struct slice word, struct slice words)
{
	struct slice name = slice_word(&words);
	struct tls_pin pin;
	unsigned rights;
	struct slice key = slice_of((char *)pin.bytes, sizeof pin.bytes);
	struct buf options = {0};

	if (tls_pin_parse(word, &pin) != 0) {
		rows_wrong(r,
			   "$ is not a pin; write it as quail key prints it, "
			   "sha256: and 64 digits",
			   word);
		return;
	}
	if (slice_trim(words).len == 0) {
		rows_wrong(r,
			   "this line has too few words; write "
			   "sha256:PIN NAME RIGHT...",
			   SLICE(""));
		return;
	}
	if (rows_right(r, grammar_client_name_fault(name), name) &&
	    rights_of(r, words, &rights, &options) &&
	    rows_first(r, key, word)) {
		buf_clear(&r->low);
		buf_number(&r->low, rights);
		buf_putc(&r->low, ' ');
		buf_puts(&r->low, name);
		buf_puts(&r->low, buf_slice(&options));
		rows_put(r, key, buf_slice(&r->low));
	}
	buf_free(&options);
}

static void
take_network(struct rows *r, struct slice word, struct slice words,
	     struct buf *options)
{
	char key[NETWORK_KEY];
	struct network n;
	unsigned rights;

	if (!network_of(r, word, &n) || !rights_of(r, words, &rights, options))
		return;
	network_key(&n, key);
	if (!rows_first(r, slice_of(key, sizeof key), word))
		return;
	if ((rights & CONFIG_RELAY) &&
	    (n.bits == 0 || (n.bits == NETWORK_V4 && network_v4(&n))))
		rows_warn(
		    r,
		    "$ relays for everybody, spammers too; name only your "
		    "own networks",
		    word);
	r->lengths[n.bits] = true;
	buf_clear(&r->low);
	buf_number(&r->low, rights);
	buf_puts(&r->low, buf_slice(options));
	rows_put(r, slice_of(key, sizeof key), buf_slice(&r->low));
}

void
rows_take_access(struct rows *r, struct slice words)
{
	struct slice word = slice_word(&words);
	struct buf options = {0};

	if (slice_starts(word, SLICE(TLS_PIN_KIND)))
		take_pin(r, word, words);
	else
		take_network(r, word, words, &options);
	buf_free(&options);
}

/* serverlimits: NAME VALUE */
void
rows_take_serverlimits(struct rows *r, struct slice words)
{
	struct slice name = slice_word(&words), value = slice_trim(words);
	uint64_t n = 0;

	if (!rows_right(r, grammar_limit_name_fault(name), name) ||
	    !rows_right(r, grammar_limit_fault(name, value, &n), value) ||
	    !rows_first(r, name, name))
		return;
	buf_clear(&r->low);
	buf_number(&r->low, n);
	rows_put(r, name, buf_slice(&r->low));
}

/* mxnetworks: NETWORK */
void
rows_take_mxnetworks(struct rows *r, struct slice words)
{
	char key[NETWORK_KEY];
	struct network n;

	if (!network_of(r, words, &n))
		return;
	if (reach_of(n.address) != REACH_PRIVATE) {
		rows_wrong(r,
			   reach_of(n.address) == REACH_PUBLIC
			       ? "$ is public, where MX hosts may be anyway; "
				 "write private networks, such as 10.0.0.0/8"
			       : "$ is no place for MX hosts; write private "
				 "networks, such as 10.0.0.0/8",
			   words);
		return;
	}
	network_key(&n, key);
	if (!rows_first(r, slice_of(key, sizeof key), words))
		return;
	r->mx_lengths[n.bits] = true;
	rows_put(r, slice_of(key, sizeof key), SLICE(""));
}
