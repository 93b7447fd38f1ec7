/* load_text.c - what a message looks like on each wire; see load.h */
#include "tests/bench/load.h"

#include <err.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char blank_id[] = "000000000000-00000000";

void *
load_need(void *p)
{
	if (p == NULL)
		errx(111, "out of memory");
	return p;
}

static void
find_ids(struct load_text *text)
{
	size_t i, n = 0;

	for (i = 0; i + LOAD_ID_LEN <= text->len && n < 2; i++)
		if (!memcmp(text->at + i, blank_id, LOAD_ID_LEN))
			text->ids[n++] = i;
	if (n != 2)
		errx(111, "bug: a message without its two ids");
}

/* Lines of 64 letters, each fourth with a dot in front, each fifth with
 * bytes over 127, the last one cut short and without a line end. */
static void
put_body(char *at, size_t len)
{
	static const char row[] = "abcdefghijklmnopqrstuvwxyz0123456789"
				  "ABCDEFGHIJKLMNOPQRSTUVWXYZ-+";
	size_t i, line, column;

	for (i = 0; i < len; i++) {
		line = i / 65;
		column = i % 65;
		if (column == 64)
			at[i] = '\n';
		else if (column == 0 && line % 4 == 1)
			at[i] = '.';
		else if (column / 2 == 3 && line % 5 == 2)
			at[i] = column % 2 ? '\274' : '\303';
		else
			at[i] = row[(column + line) % 64];
	}
	if (len > 0)
		at[len - 1] = '\n';
}

void
load_text_plain(const struct load_plan *plan, struct load_text *text)
{
	char head[2048];
	size_t len;
	int n;

	n = snprintf(head, sizeof head,
		     "From: <%s>\nTo: <%s>\n"
		     "Date: Thu, 01 Jan 2026 00:00:00 +0000\n"
		     "Subject: quail-load %s\nMessage-ID: <%s@load.test>\n\n",
		     plan->sender, plan->rcpt, blank_id, blank_id);
	if (n < 0 || (size_t)n >= sizeof head)
		errx(100, "sender or recipient is too long");
	len = plan->bytes > (size_t)n ? plan->bytes : (size_t)n;
	text->at = load_need(malloc(len));
	text->len = len;
	memcpy(text->at, head, (size_t)n);
	put_body(text->at + n, len - (size_t)n);
	find_ids(text);
}

static char *
put_netstring_head(char *at, size_t len)
{
	return at + snprintf(at, 24, "%zu:", len);
}

static size_t
rcpt_address(const struct load_plan *plan, unsigned n, char *out, size_t max)
{
	int len;

	if (plan->rcpts == 1)
		len = snprintf(out, max, "%s", plan->rcpt);
	else
		len = snprintf(out, max, "%u%s", n, plan->rcpt);
	if (len < 0 || (size_t)len >= max)
		errx(100, "the recipient is too long");
	return (size_t)len;
}

static size_t
put_rcpts(const struct load_plan *plan, char *out)
{
	char address[1024], *at = out;
	size_t len;
	unsigned i;

	for (i = 0; i < plan->rcpts; i++) {
		len = rcpt_address(plan, i, address, sizeof address);
		at = put_netstring_head(at, len);
		memcpy(at, address, len);
		at += len;
		*at++ = ',';
	}
	return (size_t)(at - out);
}

void
load_text_package(const struct load_plan *plan, struct load_text *text)
{
	struct load_text plain;
	bool qmtp = plan->protocol == LOAD_QMTP;
	size_t rcpts_len, sender_len = strlen(plan->sender);
	char *rcpts, *all, *at;

	load_text_plain(plan, &plain);
	rcpts = load_need(malloc((strlen(plan->rcpt) + 32) * plan->rcpts));
	rcpts_len = put_rcpts(plan, rcpts);
	all = load_need(malloc(plain.len + sender_len + rcpts_len + 128));

	at = put_netstring_head(all, plain.len + (qmtp ? 1 : 0));
	if (qmtp)
		*at++ = '\n';
	memcpy(at, plain.at, plain.len);
	at += plain.len;
	*at++ = ',';
	at = put_netstring_head(at, sender_len);
	memcpy(at, plan->sender, sender_len);
	at += sender_len;
	*at++ = ',';
	if (qmtp)
		at = put_netstring_head(at, rcpts_len);
	memcpy(at, rcpts, rcpts_len);
	at += rcpts_len;
	if (qmtp)
		*at++ = ',';
	text->len = (size_t)(at - all);
	text->at = all;
	if (!qmtp) { /* all of it is one more netstring */
		text->at = load_need(malloc(text->len + 32));
		at = put_netstring_head(text->at, text->len);
		memcpy(at, all, text->len);
		at[text->len] = ',';
		text->len = (size_t)(at - text->at) + text->len + 1;
		free(all);
	}
	free(plain.at);
	free(rcpts);
	find_ids(text);
}

void
load_text_smtp(const struct load_plan *plan, struct load_text *text)
{
	struct load_text plain;
	bool line_begins = true;
	char *at;
	size_t i;

	load_text_plain(plan, &plain);
	text->at = at = load_need(malloc(plain.len * 2 + 8));
	for (i = 0; i < plain.len; i++) {
		if (line_begins && plain.at[i] == '.')
			*at++ = '.';
		line_begins = plain.at[i] == '\n';
		if (line_begins)
			*at++ = '\r';
		*at++ = plain.at[i];
	}
	memcpy(at, ".\r\n", 3);
	text->len = (size_t)(at + 3 - text->at);
	free(plain.at);
	find_ids(text);
}

size_t
load_text_command(const struct load_plan *plan, unsigned n, char *out,
		  size_t max)
{
	char address[1024];
	int len;

	if (n == 0)
		len = snprintf(out, max, "MAIL FROM:<%s>\r\n", plan->sender);
	else if (n == plan->rcpts + 1)
		len = snprintf(out, max, "DATA\r\n");
	else if (n > plan->rcpts + 1)
		return 0;
	else {
		rcpt_address(plan, n - 1, address, sizeof address);
		len = snprintf(out, max, "RCPT TO:<%s>\r\n", address);
	}
	if (len < 0 || (size_t)len >= max)
		errx(100, "an address is too long");
	return (size_t)len;
}

void
load_text_id(const struct load_plan *plan, uint64_t number, char *out)
{
	int i;

	memcpy(out, plan->tag, 12);
	out[12] = '-';
	for (i = LOAD_ID_LEN - 1; i > 12; i--, number /= 10)
		out[i] = (char)('0' + number % 10);
}

void
load_text_fill(const struct load_plan *plan, const struct load_text *text,
	       uint64_t number, char *copy)
{
	memcpy(copy, text->at, text->len);
	load_text_id(plan, number, copy + text->ids[0]);
	load_text_id(plan, number, copy + text->ids[1]);
}
