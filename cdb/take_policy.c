/* take_policy.c - rows of limits, tls, dkim, and of qmail's numbers */
#include "cdb/config.h"
#include "cdb/grammar.h"
#include "cdb/keys.h"
#include "cdb/option.h"
#include "cdb/rows_tables.h"
#include "lib/tls_pin.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

/* A domain, .suffix, *, or what the table has else. */
static bool
good_place(struct slice s)
{
	return slice_eq(s, SLICE("*")) || grammar_domain(s) ||
	       grammar_suffix(s);
}

static bool
options_right(struct rows *r, const struct option_kind *list,
	      struct slice words)
{
	struct slice word, seen = slice_of(words.at, 0), value;
	char key[GRAMMAR_LABEL_MAX + 1];

	while ((word = slice_word(&words)).len > 0) {
		size_t eq = slice_find(word, '=');

		if (!rows_right(r, option_fault(list, word), word))
			return false;
		memcpy(key, word.at, eq);
		key[eq] = 0;
		seen.len = (size_t)(word.at - seen.at);
		if (option_value(seen, key, &value)) {
			rows_wrong(r,
				   "$ gives an option for the second time; "
				   "keep one",
				   word);
			return false;
		}
	}
	return true;
}

void
rows_take_limits(struct rows *r, struct slice words)
{
	static const struct option_kind list[] = {
	    {"concurrency", option_good_count,
	     "$ wants a number from 1 to 100000, such as concurrency=20"},
	    {"rate", option_good_rate,
	     "$ is no rate; write messages a second, or a number with /s, /m, "
	     "/h or /d after it, such as rate=100/m"},
	    {NULL, NULL,
	     "$ is not a limit; write concurrency=N, or rate=N (messages a "
	     "second) or N/m, N/h, N/d"}};
	struct slice place = slice_word(&words), key = rows_lower(r, place);

	if (!good_place(place) && grammar_nexthop_fault(place)) {
		rows_wrong(r,
			   "$ is not a pattern of limits; write domain, "
			   ".suffix, * or a next hop",
			   place);
		return;
	}
	if (!options_right(r, list, slice_trim(words)) ||
	    !rows_first(r, key, place))
		return;
	r->has |= KEYS_HAS_LIMITS;
	rows_note_suffix(r, KEYS_DEPTHS_LIMITS, place);
	rows_put(r, rows_lower(r, place), slice_trim(words));
}

static bool
good_pin(struct slice value)
{
	struct tls_pin pin;

	return tls_pin_parse(value, &pin) == 0;
}

static bool
good_file(struct slice value)
{
	return value.len > 0;
}

void
rows_take_tls(struct rows *r, struct slice words)
{
	static const struct option_kind list[] = {
	    {"name", grammar_domain,
	     "$ is no name that a certificate can be for; write name=HOST"},
	    {"ca", good_file, "$ names no file; write ca=FILE"},
	    {"pin", good_pin,
	     "$ is no pin; write it as quail key prints it, sha256: and 64 "
	     "digits"},
	    {NULL, NULL,
	     "$ is not an option of tlspolicy; write name=HOST, ca=FILE or "
	     "pin=sha256:DIGITS"}};
	struct slice place = slice_word(&words), rest = words,
		     policy = slice_word(&rest), key = rows_lower(r, place);

	if (!good_place(place)) {
		rows_wrong(
		    r,
		    "$ is not a pattern of tlspolicy; write domain, .suffix "
		    "or *",
		    place);
		return;
	}
	if (config_tls_parse(policy) == CONFIG_TLS_UNSAID) {
		rows_wrong(r,
			   "$ is no policy of TLS; write none, may, encrypt or "
			   "verify",
			   policy);
		return;
	}
	if (!options_right(r, list, slice_trim(rest)) ||
	    !rows_first(r, key, place))
		return;
	if (config_tls_parse(policy) >= CONFIG_TLS_ENCRYPT)
		rows_unused(r,
			    "$ cannot be done by SMTP yet, and with qmtps: "
			    "verify only; what goes there by SMTP waits",
			    policy);
	r->has |= KEYS_HAS_TLS;
	rows_note_suffix(r, KEYS_DEPTHS_TLSPOLICY, place);
	rows_put(r, rows_lower(r, place), slice_trim(words));
}

void
rows_check_secret(struct rows *r, const char *name, struct slice word)
{
	struct stat st;

	if (fstatat(r->dir, name, &st, 0) != 0) {
		buf_clear(&r->text);
		buf_text(&r->text, "$: ");
		buf_text(&r->text, strerror(errno));
		buf_text(&r->text, "; write the name of a key's file");
		buf_putc(&r->text, 0);
		rows_wrong(r, r->text.mem, word);
	} else if (!S_ISREG(st.st_mode)) {
		rows_wrong(r, "$ is not a file; write the name of a key's file",
			   word);
	} else if (st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) {
		rows_wrong(r,
			   "$ can be read or written by others; take that away "
			   "with chmod o-rwx,g-w, and make a new key if "
			   "somebody else may have read this one",
			   word);
	}
}

/* DOMAIN SELECTOR FILE */
void
rows_take_dkim(struct rows *r, struct slice words)
{
	struct slice place = slice_word(&words), rest = words,
		     selector = slice_word(&rest), file = slice_trim(rest);
	struct buf key = {0};

	if (!good_place(place)) {
		rows_wrong(r,
			   "$ is not a pattern of dkim; write domain, .suffix "
			   "or *",
			   place);
		return;
	}
	if (!rows_right(r,
			grammar_domain(selector)
			    ? NULL
			    : "$ is not a selector; write letters and digits, "
			      "such as s2026",
			selector))
		return;
	buf_puts(&key, file);
	buf_putc(&key, 0);
	rows_check_secret(r, key.mem, file);
	buf_clear(&key);
	buf_puts(&key, rows_lower(r, place));
	buf_putc(&key, 0);
	buf_puts(&key, rows_lower(r, selector));
	if (rows_first(r, buf_slice(&key), selector)) {
		rows_unused(r, "$ is compiled, but nothing signs mail yet",
			    place);
		rows_note_suffix(r, KEYS_DEPTHS_DKIM, place);
		rows_put(r, rows_lower(r, place), slice_trim(words));
	}
	buf_free(&key);
}

/* qmail's files of one number */
void
rows_take_number(struct rows *r, struct slice words)
{
	uint64_t n;

	if (slice_number(words, UINT32_MAX, &n) != 0) {
		rows_wrong(r,
			   "$ is not a number; write one from 0 to 4294967295",
			   words);
		return;
	}
	if (!rows_first(r, SLICE(""), words))
		return;
	if (strcmp(r->table, KEYS_QUEUELIFETIME) == 0)
		r->has |= KEYS_HAS_LIFETIME;
	else if (strncmp(r->table, "timeout", 7) == 0)
		rows_warn(r,
			  "$ is compiled, but nothing looks at this table yet",
			  words);
	rows_put_number(r, SLICE(""), n);
}
