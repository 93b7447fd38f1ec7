#include "cdb/ask.h"

/* Returns  the bytes that were put. */
static size_t
put_lower(char *to, struct slice s)
{
	size_t i;

	for (i = 0; i < s.len; i++) {
		char c = s.at[i];

		to[i] = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
	}
	return s.len;
}

bool
ask_domain(struct ask *a, struct slice domain)
{
	char *to = a->domain_room;

	if (!address_sane_domain(domain))
		return false;
	if (domain.at[domain.len - 1] == '.')
		domain.len--;
	a->domain = slice_of(to, put_lower(to, domain));
	return true;
}

bool
ask_address(struct ask *a, const struct config *c, struct slice address)
{
	struct slice local, domain;
	char *to = a->full_room;
	size_t len;

	if (!address_fits(address))
		return false;
	if (!address_split(address, &local, &domain))
		domain = config_me(c);
	if (local.len == 0 || !ask_domain(a, domain))
		return false;
	len = put_lower(to, local);
	a->local = slice_of(to, len);
	to[len++] = '@';
	memcpy(to + len, a->domain.at, a->domain.len);
	a->full = slice_of(to, len + a->domain.len);
	return true;
}

bool
ask_find(const struct config *c, struct slice table, struct slice key,
	 struct map_record *r)
{
	char room[ASK_KEY];

	memcpy(room, table.at, table.len);
	memcpy(room + table.len, key.at, key.len);
	return map_find(c->map, slice_of(room, table.len + key.len), 0, r);
}

/* suffixes */

/* The bits of a set; NULL: an older quail build has not said them. */
static const char *
bits_of(const struct config *c, enum keys_depths set)
{
	size_t at = (size_t)set * KEYS_DEPTHS;

	return at + KEYS_DEPTHS <= c->depths.len ? c->depths.at + at : NULL;
}

void
ask_suffixes(struct ask_suffixes *s, const struct config *c,
	     enum keys_depths set, struct slice domain)
{
	static const char none[KEYS_DEPTHS];

	*s = (struct ask_suffixes){.bits = bits_of(c, set), .rest = domain};
	if (s->bits && memcmp(s->bits, none, sizeof none) == 0)
		s->rest = SLICE("");
	else
		s->dots = keys_dots(domain);
}

bool
ask_next_suffix(struct ask_suffixes *s, struct slice *suffix)
{
	while (s->rest.len > 1) {
		size_t dot = slice_find(slice_from(s->rest, 1), '.') + 1;

		s->rest = slice_from(s->rest, dot);
		if (s->rest.len > 0 &&
		    (!s->bits ||
		     keys_has_bit(s->bits, KEYS_DEPTHS, s->dots--))) {
			*suffix = s->rest;
			return true;
		}
	}
	return false;
}

bool
ask_find_suffix(const struct config *c, struct slice table,
		enum keys_depths set, struct slice domain, struct map_record *r)
{
	struct ask_suffixes s;
	struct slice suffix;

	ask_suffixes(&s, c, set, domain);
	while (ask_next_suffix(&s, &suffix))
		if (ask_find(c, table, suffix, r))
			return true;
	return false;
}

bool
ask_find_place(const struct config *c, struct slice table, enum keys_depths set,
	       struct slice domain, struct map_record *r)
{
	return ask_find(c, table, domain, r) ||
	       ask_find_suffix(c, table, set, domain, r) ||
	       ask_find(c, table, SLICE("*"), r);
}
