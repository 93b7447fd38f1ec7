/* import_others.c - Postfix (main.cf, transport) and nullmailer (remotes) */
#include "queue/import_cmd.h"

#include <stdio.h>
#include <unistd.h>

/* Postfix */

/* A line that begins with a blank goes on with the one before (postconf(5)). */
static void
join_lines(struct buf *text)
{
	char *at = text->mem + text->off;
	bool in_comment = text->len > 0 && at[0] == '#';
	size_t i;

	for (i = 0; i + 1 < text->len; i++) {
		if (at[i] != '\n')
			continue;
		if (!in_comment && (at[i + 1] == ' ' || at[i + 1] == '\t'))
			at[i] = ' ';
		else
			in_comment = at[i + 1] == '#';
	}
}

/* NAME = VALUE; the last one counts. */
static bool
setting(struct slice text, const char *name, struct slice *value)
{
	struct slice line, want = slice_text(name);
	bool found = false;

	*value = SLICE("");
	while (import_line(&text, &line)) {
		size_t eq = slice_find(line, '=');

		if (eq < line.len &&
		    slice_eq(slice_trim(slice_of(line.at, eq)), want)) {
			*value = slice_trim(slice_from(line, eq + 1));
			found = value->len > 0;
		}
	}
	return found;
}

/* [HOST]:PORT, [HOST] or HOST: MX is not asked for what is in brackets. */
static void
put_hop(struct import *i, struct slice hop)
{
	bool exact = hop.len > 1 && hop.at[0] == '[';
	size_t close = slice_find(hop, ']');
	struct slice host = exact ? slice_of(hop.at + 1, close - 1) : hop;
	struct slice port = slice_from(
	    hop, exact && close < hop.len ? close + 1 : slice_find(hop, ':'));
	bool v6;

	if (!exact)
		host.len -= port.len;
	v6 = slice_find(host, ':') < host.len;
	import_put(i, "smtp:", v6 ? "[" : "", NULL);
	import_put_slice(i, host);
	import_put(i, v6 ? "]" : "", NULL);
	import_put_slice(i, port.len > 1 ? port : SLICE(":25"));
}

static void
put_transport(struct import *i, struct slice line)
{
	struct slice pattern = slice_word(&line), to = slice_trim(line);
	size_t colon = slice_find(to, ':');
	struct slice kind = slice_of(to.at, colon);
	struct slice hop = slice_from(to, colon < to.len ? colon + 1 : colon);

	if (!slice_eq(kind, SLICE("smtp")) && !slice_eq(kind, SLICE("relay")) &&
	    !slice_eq(kind, SLICE("discard")) &&
	    !slice_eq(kind, SLICE("error")) && kind.len > 0) {
		import_left(i, "transport", line,
			    "there is no such delivery here");
		return;
	}
	import_put_slice(i, pattern);
	import_put(i, "  ", NULL);
	if (slice_eq(kind, SLICE("discard"))) {
		import_put(i, "discard", NULL);
	} else if (slice_eq(kind, SLICE("error"))) {
		import_put(i, "reject ", NULL);
		import_put_slice(i, hop.len ? hop : SLICE("not here"));
	} else if (hop.len == 0) {
		import_put(i, "smtp:mx", NULL);
	} else {
		put_hop(i, hop);
	}
	import_put(i, "\n", NULL);
}

static void
take_transport(struct import *i, struct slice main_cf)
{
	struct buf text = {0};
	struct slice rest, line, hop;

	if (import_read(i, "transport", &text)) {
		join_lines(&text);
		rest = buf_slice(&text);
		while (import_line(&rest, &line))
			if (line.len > 0 && line.at[0] != '#')
				put_transport(i, line);
	}
	import_put(i, "*  ", NULL);
	if (setting(main_cf, "relayhost", &hop))
		put_hop(i, hop);
	else
		import_put(i, "smtp:mx", NULL);
	import_put(i, "\n", NULL);
	import_end(i, "routes");
	buf_free(&text);
}

static void
take_list(struct import *i, struct slice main_cf, const char *name,
	  const char *table, const char *behind)
{
	struct slice list, word;
	size_t n;

	if (!setting(main_cf, name, &list))
		return;
	while (list.len > 0) {
		for (n = 0; n < list.len && list.at[n] != ',' &&
			    list.at[n] != ' ' && list.at[n] != '\t';
		     n++)
			;
		word = slice_of(list.at, n);
		list = slice_from(list, n < list.len ? n + 1 : n);
		if (word.len == 0)
			continue;
		if (slice_eq(word, SLICE("$myhostname"))) {
			word = buf_slice(&i->me);
		} else if (slice_find(word, '$') < word.len ||
			   slice_eq(word, SLICE("localhost")) ||
			   (slice_find(word, ':') < word.len &&
			    word.at[0] != '[') ||
			   (word.at[0] == '[' &&
			    slice_find(word, ']') == word.len)) {
			import_left(i, name, word, "write what it stands for");
			continue;
		}
		if (word.at[0] == '[') { /* [::1]/128 */
			size_t end = slice_find(word, ']');

			import_put_slice(i, slice_of(word.at + 1, end - 1));
			import_put_slice(i, slice_from(word, end + 1));
		} else {
			import_put_slice(i, word);
		}
		import_put(i, behind, "\n", NULL);
	}
	import_end(i, table);
}

static void
take_listen(struct import *i, struct slice main_cf)
{
	struct slice where;

	if (setting(main_cf, "inet_interfaces", &where) &&
	    slice_starts(where, SLICE("loopback")))
		import_put(i, "smtp 127.0.0.1:25\n", NULL);
	else if (slice_eq(where, SLICE("all")) || where.len == 0)
		import_put(i, "smtp 0.0.0.0:25\n", NULL);
	else
		import_left(i, "inet_interfaces", where,
			    "write a line for each address");
	import_end(i, "listen");
}

/* What would change what happens to mail. */
static void
tell_others(struct import *i, struct slice main_cf)
{
	static const char *const names[] = {
	    "virtual_alias_maps",      "alias_maps",
	    "virtual_mailbox_maps",    "canonical_maps",
	    "sender_canonical_maps",   "generic_maps",
	    "smtp_sasl_auth_enable",   "smtp_generic_maps",
	    "smtpd_milters",	       "content_filter",
	    "header_checks",	       "body_checks",
	    "smtp_tls_security_level", "smtpd_recipient_restrictions",
	    "message_size_limit",      "sender_dependent_relayhost_maps"};
	struct slice value;
	size_t n;

	for (n = 0; n < sizeof names / sizeof *names; n++)
		if (setting(main_cf, names[n], &value))
			import_left(i, names[n], value,
				    "it has no table here that it could go "
				    "into by itself");
	import_end(i, "IMPORTED");
}

static void
take_name(struct import *i, struct slice name)
{
	char host[256] = "localhost";

	if (name.len == 0 && gethostname(host, sizeof host - 1) == 0)
		name = slice_text(host);
	buf_puts(&i->me, name);
	import_put_slice(i, name);
	import_put(i, "\n", NULL);
	import_end(i, "me");
}

void
import_postfix(struct import *i)
{
	struct slice all, name = {"", 0};
	struct buf text = {0};

	if (!import_read(i, "main.cf", &text)) {
		fprintf(stderr, "quail: there is no main.cf in %s\n", i->from);
		i->failed = true;
		return;
	}
	join_lines(&text);
	all = buf_slice(&text);
	setting(all, "myhostname", &name);
	take_name(i, name);
	take_listen(i, all);
	take_list(i, all, "mydestination", "locals", "");
	take_list(i, all, "relay_domains", "rcpthosts", "");
	take_list(i, all, "mynetworks", "access", "  relay");
	take_transport(i, all);
	tell_others(i, all);
	buf_free(&text);
}

/* nullmailer: HOST [PROTOCOL] [--OPTION...] */

/* By QMQP a line of the table; by SMTP a next hop more of the route. */
static void
put_remote(struct import *i, struct slice line, struct buf *route)
{
	struct slice all = line, host = slice_word(&line),
		     protocol = slice_word(&line), word, port = {"", 0};
	bool smtp = protocol.len == 0 || slice_eq(protocol, SLICE("smtp"));

	while ((word = slice_word(&line)).len > 0)
		if (slice_starts(word, SLICE("--port=")))
			port = slice_from(word, 7);
		else
			import_left(i, "remotes", word,
				    "this option has no counterpart");
	if (smtp) {
		buf_text(route, " smtp:");
		buf_puts(route, host);
		buf_putc(route, ':');
		buf_puts(route, port.len ? port : SLICE("25"));
	} else if (slice_eq(protocol, SLICE("qmqp"))) {
		import_put_slice(i, host);
		import_put(i, port.len ? ":" : "", NULL);
		import_put_slice(i, port);
		import_put(i, "\n", NULL);
	} else {
		import_left(i, "remotes", all,
			    "there is no such protocol here");
	}
}

/* Remotes by QMQP make a leaf, those by SMTP the route of a hub. */
static void
take_remotes(struct import *i, bool want_smtp)
{
	struct buf text = {0}, route = {0};
	struct slice rest, line, words;

	if (!import_read(i, "remotes", &text))
		return;
	rest = buf_slice(&text);
	while (import_line(&rest, &line)) {
		words = line;
		if (slice_word(&words).len == 0 || line.at[0] == '#')
			continue;
		words = slice_word(&words);
		if ((words.len == 0 || slice_eq(words, SLICE("smtp"))) ==
		    want_smtp)
			put_remote(i, line, &route);
	}
	if (route.len > 0) {
		import_put(i, "*", NULL);
		import_put_slice(i, buf_slice(&route));
		import_put(i, "\n", NULL);
	}
	import_end(i, want_smtp ? "routes" : "qmqpservers");
	buf_free(&text);
	buf_free(&route);
}

void
import_nullmailer(struct import *i)
{
	struct slice rest, line = {"", 0};
	struct buf text = {0};

	if (import_read(i, "me", &text)) {
		rest = buf_slice(&text);
		import_line(&rest, &line);
	}
	take_name(i, line);
	take_remotes(i, false);
	take_remotes(i, true);
	if (import_read(i, "adminaddr", &text)) {
		rest = buf_slice(&text);
		line = SLICE("");
		import_line(&rest, &line);
		if (line.len > 0) {
			import_put(i, "rcpt  *@", NULL);
			import_put_slice(i, buf_slice(&i->me));
			import_put(i, "  ", NULL);
			import_put_slice(i, line);
			import_put(i, "\n", NULL);
			import_end(i, "rewrite");
		}
	}
	buf_free(&text);
}
