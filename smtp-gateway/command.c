#include "smtp-gateway/command.h"

#include "lib/address.h"

static const struct {
	const char *word;
	enum smtpd_verb verb;
} verbs[] = {{"HELO", SMTPD_HELO}, {"EHLO", SMTPD_EHLO}, {"MAIL", SMTPD_MAIL},
	     {"RCPT", SMTPD_RCPT}, {"DATA", SMTPD_DATA}, {"RSET", SMTPD_RSET},
	     {"NOOP", SMTPD_NOOP}, {"QUIT", SMTPD_QUIT}, {"VRFY", SMTPD_VRFY},
	     {"HELP", SMTPD_HELP}};

static bool
printable(char c)
{
	return c > ' ' && c <= '~';
}

/* Outside quotes: no space, no control, nothing that has a meaning. */
static bool
plain(char c)
{
	return printable(c) && !strchr("<>()[]\\,;:@\"", c);
}

/* paths: [i, n) is being read, the address is written at out behind it */

struct path {
	char *at;
	size_t n, i;
	char *out;
	size_t len;
};

static bool
next_is(const struct path *p, char c)
{
	return p->i < p->n && p->at[p->i] == c;
}

static void
keep(struct path *p)
{
	p->out[p->len++] = p->at[p->i++];
}

/* "@a,@b:" in front of an address; RFC 5321 appendix C wants it ignored. */
static int
source_route(struct path *p)
{
	while (next_is(p, '@')) {
		size_t from = ++p->i;

		while (p->i < p->n && plain(p->at[p->i]))
			p->i++;
		if (p->i == from)
			return -1;
		if (next_is(p, ',') && p->i + 1 < p->n &&
		    p->at[p->i + 1] == '@') {
			p->i++;
			continue;
		}
		if (!next_is(p, ':'))
			return -1;
		p->i++;
		return 0;
	}
	return 0;
}

static int
quoted(struct path *p)
{
	p->i++;
	while (p->i < p->n && p->at[p->i] != '"') {
		if (p->at[p->i] == '\\')
			p->i++;
		if (p->i == p->n ||
		    (p->at[p->i] != ' ' && !printable(p->at[p->i])))
			return -1;
		keep(p);
	}
	if (p->i == p->n)
		return -1;
	p->i++;
	return 0;
}

static int
local(struct path *p)
{
	if (next_is(p, '"'))
		return quoted(p);
	while (p->i < p->n && plain(p->at[p->i]))
		keep(p);
	return p->len > 0 ? 0 : -1;
}

static int
domain(struct path *p)
{
	size_t from = p->len;
	bool literal = next_is(p, '[');

	if (literal)
		keep(p);
	while (p->i < p->n &&
	       (plain(p->at[p->i]) || (literal && p->at[p->i] == ':')))
		keep(p);
	if (literal) {
		if (!next_is(p, ']') || p->len - from < 2)
			return -1;
		keep(p);
	}
	return p->len > from && p->len - from <= SMTPD_DOMAIN_MAX ? 0 : -1;
}

static int
inside(struct path *p)
{
	if (next_is(p, '>'))
		return 0; /* <>: the sender of bounces */
	if (source_route(p) != 0 || local(p) != 0)
		return -1;
	if (!next_is(p, '@')) /* <postmaster>; <"a@b"> would become a@b */
		return slice_find(slice_of(p->out, p->len), '@') == p->len ? 0
									   : -1;
	keep(p);
	return domain(p);
}

int
path_parse(char **at, size_t *n, struct slice *address)
{
	struct path p = {.at = *at, .n = *n, .i = 1, .out = *at};

	*address = slice_of("", 0);
	if (p.n == 0 || p.at[0] != '<' || inside(&p) != 0 ||
	    !next_is(&p, '>') || !address_sane(slice_of(p.out, p.len)))
		return -1;
	p.i++;
	*address = slice_of(p.out, p.len);
	*at += p.i;
	*n -= p.i;
	return 0;
}

/* ESMTP parameters */

static enum smtpd_fault
mail_parameter(struct smtpd_command *c, struct slice key, struct slice value)
{
	if (slice_case_eq(key, SLICE("SIZE")))
		return slice_number(value, UINT64_MAX, &c->size) == 0
			   ? SMTPD_GOOD
			   : SMTPD_SYNTAX;
	if (slice_case_eq(key, SLICE("BODY"))) {
		c->body_8bit = slice_case_eq(value, SLICE("8BITMIME"));
		return c->body_8bit || slice_case_eq(value, SLICE("7BIT"))
			   ? SMTPD_GOOD
			   : SMTPD_PARAMETER;
	}
	return SMTPD_PARAMETER;
}

static enum smtpd_fault
parameters(struct smtpd_command *c, struct slice rest)
{
	struct slice word;

	if (rest.len > 0 && rest.at[0] != ' ')
		return SMTPD_ADDRESS;
	while ((word = slice_word(&rest)).len > 0) {
		size_t eq = slice_find(word, '=');
		struct slice key = slice_of(word.at, eq);
		struct slice value =
		    eq < word.len ? slice_from(word, eq + 1) : SLICE("");
		enum smtpd_fault f = c->verb == SMTPD_MAIL
					 ? mail_parameter(c, key, value)
					 : SMTPD_PARAMETER;

		if (f != SMTPD_GOOD)
			return f;
	}
	return SMTPD_GOOD;
}

/* commands */

static enum smtpd_fault
with_path(struct smtpd_command *c, char *at, size_t n, struct slice keyword)
{
	if (n < keyword.len ||
	    !slice_case_eq(slice_of(at, keyword.len), keyword))
		return SMTPD_SYNTAX;
	at += keyword.len;
	n -= keyword.len;
	for (; n > 0 && *at == ' '; at++)
		n--; /* "FROM: <": wrong, and as old as SMTP */
	if (path_parse(&at, &n, &c->address) != 0)
		return SMTPD_ADDRESS;
	if (c->verb == SMTPD_RCPT && c->address.len == 0)
		return SMTPD_ADDRESS;
	return parameters(c, slice_of(at, n));
}

static enum smtpd_fault
arguments(struct smtpd_command *c, char *at, size_t n)
{
	struct slice rest = slice_trim(slice_of(at, n));

	switch (c->verb) {
	case SMTPD_MAIL: return with_path(c, at, n, SLICE("FROM:"));
	case SMTPD_RCPT: return with_path(c, at, n, SLICE("TO:"));
	case SMTPD_HELO:
	case SMTPD_EHLO:
		c->argument = slice_word(&rest);
		return c->argument.len > 0 &&
			       c->argument.len <= SMTPD_DOMAIN_MAX
			   ? SMTPD_GOOD
			   : SMTPD_SYNTAX;
	case SMTPD_DATA:
	case SMTPD_RSET:
	case SMTPD_QUIT: return rest.len == 0 ? SMTPD_GOOD : SMTPD_SYNTAX;
	case SMTPD_NOOP:
	case SMTPD_VRFY:
	case SMTPD_HELP:
	case SMTPD_UNKNOWN: break;
	}
	return SMTPD_GOOD;
}

void
command_parse(struct smtpd_command *c, char *line, size_t n)
{
	size_t i, word = slice_find(slice_of(line, n), ' ');

	*c = (struct smtpd_command){.verb = SMTPD_UNKNOWN};
	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (slice_case_eq(slice_of(line, word),
				  slice_text(verbs[i].word)))
			c->verb = verbs[i].verb;
	for (; word < n && line[word] == ' '; word++)
		;
	c->fault = arguments(c, line + word, n - word);
}
