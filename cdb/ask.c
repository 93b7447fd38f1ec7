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
	size_t i;

	if (domain.len > 0 && domain.at[domain.len - 1] == '.')
		domain.len--;
	if (domain.len == 0 || domain.len > ADDRESS_MAX)
		return false;
	for (i = 0; i < domain.len; i++)
		if ((unsigned char)domain.at[i] <= ' ' || domain.at[i] == 0x7f)
			return false;
	a->domain = slice_of(to, put_lower(to, domain));
	return true;
}

bool
ask_address(struct ask *a, const struct config *c, struct slice address)
{
	struct slice local, domain;
	char *to = a->full_room;
	size_t len;

	if (!address_sane(address))
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

bool
ask_next_suffix(struct slice *s)
{
	size_t i;

	for (i = 1; i < s->len; i++)
		if (s->at[i] == '.') {
			*s = slice_from(*s, i);
			return true;
		}
	return false;
}

bool
ask_find_suffix(const struct config *c, struct slice table, struct slice domain,
		struct map_record *r)
{
	while (ask_next_suffix(&domain))
		if (ask_find(c, table, domain, r))
			return true;
	return false;
}

bool
ask_find_place(const struct config *c, struct slice table, struct slice domain,
	       struct map_record *r)
{
	return ask_find(c, table, domain, r) ||
	       ask_find_suffix(c, table, domain, r) ||
	       ask_find(c, table, SLICE("*"), r);
}
