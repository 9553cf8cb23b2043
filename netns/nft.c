// SPDX-License-Identifier: GPL-2.0-or-later
/* Writes nf_tables messages with libnftnl. Pure; knows no rule of ours. */
#include "netns/nft.h"

#include <arpa/inet.h>
#include <libnftnl/chain.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nfnetlink.h>
#include <string.h>

/* A message of nf_tables for @family; the note's object is borrowed by the batch. */
static struct nlmsghdr *begin(struct nl_batch *b, uint16_t type, uint16_t flags, uint8_t family,
			      const struct nl_note *note)
{
	struct nlmsghdr *h = nl_add(b, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), flags, note);
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	g->nfgen_family = family;
	g->version = NFNETLINK_V0;
	return h;
}

static void mark(struct nl_batch *b, uint16_t type)
{
	struct nlmsghdr *h = nl_add(b, type, 0, &(struct nl_note){ "change", "nf_tables", 0 });
	struct nfgenmsg *g = mnl_nlmsg_put_extra_header(h, sizeof(*g));

	g->nfgen_family = AF_UNSPEC;
	g->version = NFNETLINK_V0;
	g->res_id = htons(NFNL_SUBSYS_NFTABLES);
}

void nft_begin(struct nl_batch *b)
{
	mark(b, NFNL_MSG_BATCH_BEGIN);
}

void nft_end(struct nl_batch *b)
{
	mark(b, NFNL_MSG_BATCH_END);
}

void nft_add_table(struct nl_batch *b, const struct nft_table *t, bool must_be_new)
{
	struct nlmsghdr *h =
	    begin(b, NFT_MSG_NEWTABLE, (uint16_t)(NLM_F_CREATE | (must_be_new ? NLM_F_EXCL : 0)),
		  t->family, &(struct nl_note){ "create table", t->name, 0 });

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, t->name);
}

void nft_del_table(struct nl_batch *b, const struct nft_table *t)
{
	struct nlmsghdr *h = begin(b, NFT_MSG_DELTABLE, 0, t->family,
				   &(struct nl_note){ "delete table", t->name, 0 });

	mnl_attr_put_strz(h, NFTA_TABLE_NAME, t->name);
}

void nft_add_chain(struct nl_batch *b, const struct nft_table *t, const struct nft_chain *c)
{
	struct nlmsghdr *h = begin(b, NFT_MSG_NEWCHAIN, NLM_F_CREATE, t->family,
				   &(struct nl_note){ "create chain", c->name, 0 });
	struct nftnl_chain *chain = nftnl_chain_alloc();

	if (!chain) {
		b->failed = true;
		return;
	}
	(void)nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, t->name);
	(void)nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, c->name);
	if (c->type) {
		(void)nftnl_chain_set_str(chain, NFTNL_CHAIN_TYPE, c->type);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_HOOKNUM, c->hook);
		nftnl_chain_set_s32(chain, NFTNL_CHAIN_PRIO, c->priority);
		nftnl_chain_set_u32(chain, NFTNL_CHAIN_POLICY, NF_ACCEPT);
	}
	nftnl_chain_nlmsg_build_payload(h, chain);
	nftnl_chain_free(chain);
}

static struct nftnl_set *describe_set(const struct nft_table *t, const struct nft_set *s)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set)
		return NULL;
	(void)nftnl_set_set_str(set, NFTNL_SET_TABLE, t->name);
	(void)nftnl_set_set_str(set, NFTNL_SET_NAME, s->name);
	return set;
}

void nft_add_set(struct nl_batch *b, const struct nft_table *t, const struct nft_set *s,
		 uint32_t id)
{
	/* nft(8)'s note on byte order: type 0, length 4, value 1. Source: libnftnl/udata.h. */
	static const uint8_t host_order[] = { 0, 4, 1, 0, 0, 0 };
	struct nlmsghdr *h = begin(b, NFT_MSG_NEWSET, NLM_F_CREATE, t->family,
				   &(struct nl_note){ "create set", s->name, 0 });
	struct nftnl_set *set = describe_set(t, s);

	if (!set) {
		b->failed = true;
		return;
	}
	nftnl_set_set_u32(set, NFTNL_SET_ID, id);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_TYPE, s->key_type);
	nftnl_set_set_u32(set, NFTNL_SET_KEY_LEN, s->key_len);
	if (s->host_order)
		(void)nftnl_set_set_data(set, NFTNL_SET_USERDATA, host_order, sizeof(host_order));
	if (s->data_len) {
		nftnl_set_set_u32(set, NFTNL_SET_FLAGS, NFT_SET_MAP);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_TYPE, s->data_type);
		nftnl_set_set_u32(set, NFTNL_SET_DATA_LEN, s->data_len);
	}
	nftnl_set_nlmsg_build_payload(h, set);
	nftnl_set_free(set);
}

/* Elements per message: an attribute holds at most 64 KiB, and so does the list of them. */
enum { ELEMS_PER_MSG = 256 };

/* Writes @n elements from number @first on. False without memory. */
static bool put_elems(struct nlmsghdr *h, const struct nft_elems *e, size_t first, size_t n)
{
	struct nftnl_set *set = describe_set(e->table, e->set);
	bool ok = set;

	for (size_t i = first; ok && i < first + n; i++) {
		struct nftnl_set_elem *elem = nftnl_set_elem_alloc();

		ok = elem;
		if (!ok)
			break;
		(void)nftnl_set_elem_set(elem, NFTNL_SET_ELEM_KEY, e->elems[i].key,
					 e->set->key_len);
		if (e->elems[i].data)
			(void)nftnl_set_elem_set(elem, NFTNL_SET_ELEM_DATA, e->elems[i].data,
						 e->set->data_len);
		nftnl_set_elem_add(set, elem);
	}
	if (ok)
		nftnl_set_elems_nlmsg_build_payload(h, set);
	if (set)
		nftnl_set_free(set);
	return ok;
}

void nft_elems(struct nl_batch *b, const struct nft_elems *e, const struct nl_note *note)
{
	for (size_t i = 0; i < e->n; i += ELEMS_PER_MSG) {
		struct nlmsghdr *h = begin(b, e->type, e->flags, e->table->family, note);

		if (!put_elems(h, e, i, e->n - i < ELEMS_PER_MSG ? e->n - i : ELEMS_PER_MSG))
			b->failed = true;
	}
}

static uint32_t reg(uint32_t word)
{
	return NFT_REG32_00 + word;
}

static const char *expr_name(enum nft_op_kind kind)
{
	switch (kind) {
	case NFT_OP_META:
		return "meta";
	case NFT_OP_CT:
		return "ct";
	case NFT_OP_PAYLOAD:
		return "payload";
	case NFT_OP_FIB:
		return "fib";
	case NFT_OP_MASK:
		return "bitwise";
	case NFT_OP_CMP:
		return "cmp";
	case NFT_OP_LOOKUP:
	case NFT_OP_MAP:
		return "lookup";
	case NFT_OP_VERDICT:
		return "immediate";
	case NFT_OP_MASQ:
		return "masq";
	case NFT_OP_DNAT:
		return "nat";
	case NFT_OP_END:
		break;
	}
	return NULL;
}

/* Expressions that put a value into a register. */
static void fill_load(struct nftnl_expr *e, const struct nft_op *op)
{
	if (op->kind == NFT_OP_META) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, op->a);
		nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, reg(op->word));
	} else if (op->kind == NFT_OP_CT) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, op->a);
		nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, reg(op->word));
	} else if (op->kind == NFT_OP_PAYLOAD) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, op->base);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, op->a);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, op->b);
		nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg(op->word));
	} else {
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, NFT_FIB_RESULT_ADDRTYPE);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, NFTA_FIB_F_DADDR);
		nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, reg(op->word));
	}
}

/* Expressions that test or change a register. */
static void fill_test(struct nftnl_expr *e, const struct nft_op *op)
{
	static const uint32_t no_xor = 0;

	if (op->kind == NFT_OP_MASK) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, reg(op->word));
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, reg(op->word));
		nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, sizeof(op->a));
		(void)nftnl_expr_set(e, NFTNL_EXPR_BITWISE_MASK, &op->a, sizeof(op->a));
		(void)nftnl_expr_set(e, NFTNL_EXPR_BITWISE_XOR, &no_xor, sizeof(no_xor));
	} else if (op->kind == NFT_OP_CMP) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, reg(op->word));
		nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, op->a);
		(void)nftnl_expr_set(e, NFTNL_EXPR_CMP_DATA, op->data, op->b);
	} else {
		nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, reg(op->word));
		(void)nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, op->name);
		if (op->kind == NFT_OP_MAP)
			nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, reg(op->b));
		else if (op->a)
			nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, op->a);
	}
}

/* Expressions that decide about the packet. */
static void fill_action(struct nftnl_expr *e, const struct nft_op *op)
{
	if (op->kind == NFT_OP_VERDICT) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
		nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, op->a);
		if (op->name)
			(void)nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, op->name);
	} else if (op->kind == NFT_OP_DNAT) {
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, op->a);
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, reg(op->word));
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, reg(op->b));
		nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
	}
}

static struct nftnl_expr *make_expr(const struct nft_op *op)
{
	struct nftnl_expr *e = nftnl_expr_alloc(expr_name(op->kind));

	if (!e)
		return NULL;
	if (op->kind <= NFT_OP_FIB)
		fill_load(e, op);
	else if (op->kind <= NFT_OP_MAP)
		fill_test(e, op);
	else
		fill_action(e, op);
	return e;
}

void nft_add_rule(struct nl_batch *b, const struct nft_table *t, const char *chain,
		  const struct nft_op *ops)
{
	struct nlmsghdr *h = begin(b, NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND, t->family,
				   &(struct nl_note){ "add a rule to chain", chain, 0 });
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule) {
		b->failed = true;
		return;
	}
	(void)nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, t->name);
	(void)nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, chain);
	for (; ops->kind != NFT_OP_END; ops++) {
		struct nftnl_expr *e = make_expr(ops);

		if (!e) {
			b->failed = true;
			break;
		}
		nftnl_rule_add_expr(rule, e);
	}
	nftnl_rule_nlmsg_build_payload(h, rule);
	nftnl_rule_free(rule);
}
