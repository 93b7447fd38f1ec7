#include "lib/address.h"

bool
address_split(struct slice address, struct slice *local, struct slice *domain)
{
	size_t at = slice_find_last(address, '@');

	*local = slice_of(address.at, at);
	*domain = SLICE("");
	if (at == address.len)
		return false;
	*domain = slice_from(address, at + 1);
	return true;
}

bool
address_fits(struct slice address)
{
	return address.len <= ADDRESS_MAX &&
	       slice_find(address, 0) == address.len &&
	       slice_find(address, '\r') == address.len &&
	       slice_find(address, '\n') == address.len;
}

bool
address_sane_domain(struct slice domain)
{
	size_t i, label = 0;

	if (domain.len > 0 && domain.at[domain.len - 1] == '.')
		domain.len--;
	if (domain.len > ADDRESS_DOMAIN_MAX)
		return false;
	for (i = 0; i < domain.len; i++) {
		unsigned char c = (unsigned char)domain.at[i];

		if (c == '.' ? label == 0 : label == ADDRESS_LABEL_MAX)
			return false;
		if (c <= ' ' || c == 0x7f)
			return false;
		label = c == '.' ? 0 : label + 1;
	}
	return label > 0;
}

bool
address_sane(struct slice address)
{
	struct slice local, domain;

	if (!address_fits(address))
		return false;
	if (!address_split(address, &local, &domain))
		return true;
	return local.len > 0 && address_sane_domain(domain);
}

void
address_put_lower(struct buf *out, struct slice address)
{
	struct slice local, domain;
	size_t i;

	if (!address_split(address, &local, &domain)) {
		buf_puts(out, address);
		return;
	}
	buf_puts(out, local);
	buf_putc(out, '@');
	if (domain.len > 0 && domain.at[domain.len - 1] == '.')
		domain.len--;
	for (i = 0; i < domain.len; i++) {
		char c = domain.at[i];

		buf_putc(out, c >= 'A' && c <= 'Z' ? (char)(c + 32) : c);
	}
}

static bool
atom_byte(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || (unsigned char)c >= 0x80 ||
	       (c && strchr("!#$%&'*+-/=?^_`{|}~", c));
}

/* Is it atoms with single dots between them? */
static bool
dot_string(struct slice local)
{
	bool atom = false;
	size_t i;

	for (i = 0; i < local.len; i++) {
		if (local.at[i] == '.' && atom)
			atom = false;
		else if (atom_byte(local.at[i]))
			atom = true;
		else
			return false;
	}
	return atom;
}

void
address_put_quoted(struct buf *out, struct slice address)
{
	struct slice local, domain;
	bool has_domain = address_split(address, &local, &domain);
	size_t i;

	if (address.len == 0)
		return;
	if (dot_string(local)) {
		buf_puts(out, local);
	} else {
		buf_putc(out, '"');
		for (i = 0; i < local.len; i++) {
			if (local.at[i] == '"' || local.at[i] == '\\')
				buf_putc(out, '\\');
			buf_putc(out, local.at[i]);
		}
		buf_putc(out, '"');
	}
	if (has_domain) {
		buf_putc(out, '@');
		buf_puts(out, domain);
	}
}

bool
address_literal(struct slice domain, struct slice *inner)
{
	const struct slice tag = SLICE("IPv6:");

	if (domain.len < 3 || domain.at[0] != '[' ||
	    domain.at[domain.len - 1] != ']')
		return false;
	*inner = slice_of(domain.at + 1, domain.len - 2);
	if (inner->len > tag.len &&
	    slice_case_eq(slice_of(inner->at, tag.len), tag))
		*inner = slice_from(*inner, tag.len);
	return true;
}
