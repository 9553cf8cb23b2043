/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nf_tables transactions: tables, chains, sets, elements and rules, written into a netlink batch.
 * A rule is data, an array of struct nft_op ended by NFT_END, so that a rule set can be read as a
 * table. Words are the 32-bit registers of nf_tables, counted from 0; an interface name fills four
 * of them, an Ethernet address two, an IPv6 address four.
 *
 *   nft_begin(&b); nft_add_table(...); nft_add_set(...); nft_add_rule(...); nft_end(&b);
 *   nl_talk(&nl, &b, err);
 *
 * Sources: uapi linux/netfilter/nf_tables.h; nft(8).
 */
#ifndef BIVALVE_NETNS_NFT_H
#define BIVALVE_NETNS_NFT_H

#include <netinet/in.h> /* before the kernel's: its headers give way to libc's, not the reverse */

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "netns/nl.h"

/* ---- rules ---- */

enum nft_op_kind {
	NFT_OP_END,
	NFT_OP_META,    /* word = meta key a */
	NFT_OP_CT,      /* word = conntrack key a */
	NFT_OP_PAYLOAD, /* word = b bytes at offset a of header base */
	NFT_OP_FIB,     /* word = route type of the destination address */
	NFT_OP_MASK,    /* word &= a */
	NFT_OP_CMP,     /* go on if word (b bytes) compares with data by a, an enum nft_cmp_ops */
	NFT_OP_LOOKUP,  /* go on if word... is in set; a = NFT_LOOKUP_F_INV: is not */
	NFT_OP_MAP,     /* word b = what map holds for word...; else the rule ends */
	NFT_OP_VERDICT, /* a = NF_ACCEPT, NF_DROP, NFT_JUMP, NFT_GOTO; name = chain */
	NFT_OP_MASQ,
	NFT_OP_DNAT, /* family a, address from word, port from word b */
};

struct nft_op {
	enum nft_op_kind kind;
	uint32_t word;
	uint32_t a, b;
	uint32_t base;    /* enum nft_payload_bases */
	const char *name; /* set or chain */
	uint8_t data[8];
};

#define NFT_END                                                                                    \
	{                                                                                          \
		.kind = NFT_OP_END                                                                 \
	}
#define NFT_META(key_, word_)                                                                      \
	{                                                                                          \
		.kind = NFT_OP_META, .a = (key_), .word = (word_)                                  \
	}
#define NFT_CT(key_, word_)                                                                        \
	{                                                                                          \
		.kind = NFT_OP_CT, .a = (key_), .word = (word_)                                    \
	}
#define NFT_FIB_DADDR_TYPE(word_)                                                                  \
	{                                                                                          \
		.kind = NFT_OP_FIB, .word = (word_)                                                \
	}
#define NFT_MASK(word_, mask_)                                                                     \
	{                                                                                          \
		.kind = NFT_OP_MASK, .word = (word_), .a = (mask_)                                 \
	}
#define NFT_IN(set_)                                                                               \
	{                                                                                          \
		.kind = NFT_OP_LOOKUP, .name = (set_)                                              \
	}
#define NFT_NOT_IN(set_)                                                                           \
	{                                                                                          \
		.kind = NFT_OP_LOOKUP, .name = (set_), .a = NFT_LOOKUP_F_INV                       \
	}
#define NFT_MAP_TO(map_, word_)                                                                    \
	{                                                                                          \
		.kind = NFT_OP_MAP, .name = (map_), .b = (word_)                                   \
	}
#define NFT_ACCEPT                                                                                 \
	{                                                                                          \
		.kind = NFT_OP_VERDICT, .a = NF_ACCEPT                                             \
	}
#define NFT_DROP                                                                                   \
	{                                                                                          \
		.kind = NFT_OP_VERDICT, .a = NF_DROP                                               \
	}
#define NFT_GO(verdict_, chain_)                                                                   \
	{                                                                                          \
		.kind = NFT_OP_VERDICT, .a = (uint32_t)(verdict_), .name = (chain_)                \
	}
#define NFT_MASQUERADE                                                                             \
	{                                                                                          \
		.kind = NFT_OP_MASQ                                                                \
	}
#define NFT_DNAT_TO(family_, w_, pw_)                                                              \
	{                                                                                          \
		.kind = NFT_OP_DNAT, .a = (family_), .word = (w_), .b = (pw_)                      \
	}
#define NFT_PAYLOAD(base_, off_, len_, word_)                                                      \
	{                                                                                          \
		.kind = NFT_OP_PAYLOAD, .base = (base_), .a = (off_), .b = (len_), .word = (word_) \
	}
/* NFT_IS, ... - compare the first @len_ bytes of a word with the bytes that follow. */
#define NFT_IS(word_, len_, ...)                                                                   \
	{                                                                                          \
		.kind = NFT_OP_CMP, .word = (word_), .b = (len_), .a = NFT_CMP_EQ, .data = {       \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define NFT_IS_FROM(word_, len_, ...)                                                              \
	{                                                                                          \
		.kind = NFT_OP_CMP, .word = (word_), .b = (len_), .a = NFT_CMP_GTE, .data = {      \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define NFT_IS_UP_TO(word_, len_, ...)                                                             \
	{                                                                                          \
		.kind = NFT_OP_CMP, .word = (word_), .b = (len_), .a = NFT_CMP_LTE, .data = {      \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}
#define NFT_IS_NOT(word_, len_, ...)                                                               \
	{                                                                                          \
		.kind = NFT_OP_CMP, .word = (word_), .b = (len_), .a = NFT_CMP_NEQ, .data = {      \
			__VA_ARGS__                                                                \
		}                                                                                  \
	}

/* ---- objects ---- */

struct nft_table {
	uint8_t family; /* enum nf_inet_protos of nfgenmsg: NFPROTO_INET, NFPROTO_BRIDGE */
	const char *name;
};

struct nft_chain {
	const char *name;
	const char *type; /* "filter", "nat"; NULL = not a base chain */
	uint32_t hook;
	int32_t priority;
};

struct nft_set {
	const char *name;
	uint32_t key_len, data_len; /* bytes; data_len 0 = a set, else a map */
	/* Types as nft(8) numbers them, for its listings alone; concatenations are 6 bits each. */
	uint32_t key_type, data_type;
	bool host_order; /* the key is in host order (interface names); for listings too */
};

struct nft_elem {
	const void *key;
	const void *data; /* NULL for a set */
};

void nft_begin(struct nl_batch *b);
void nft_end(struct nl_batch *b);

void nft_add_table(struct nl_batch *b, const struct nft_table *t, bool must_be_new);

/* nft_del_table - with all that is in it. It must exist in the order of the batch. */
void nft_del_table(struct nl_batch *b, const struct nft_table *t);
void nft_add_chain(struct nl_batch *b, const struct nft_table *t, const struct nft_chain *c);

/* nft_add_set - @id tells the sets of one batch apart. */
void nft_add_set(struct nl_batch *b, const struct nft_table *t, const struct nft_set *s,
		 uint32_t id);
void nft_add_rule(struct nl_batch *b, const struct nft_table *t, const char *chain,
		  const struct nft_op *ops);

struct nft_elems {
	uint16_t type;  /* NFT_MSG_NEWSETELEM or NFT_MSG_DELSETELEM */
	uint16_t flags; /* NLM_F_CREATE, and NLM_F_EXCL if one that exists shall fail */
	const struct nft_table *table;
	const struct nft_set *set;
	const struct nft_elem *elems;
	size_t n;
};

/* nft_elems - adds or deletes elements; deleting one that does not exist fails the transaction. */
void nft_elems(struct nl_batch *b, const struct nft_elems *e, const struct nl_note *note);

#endif
