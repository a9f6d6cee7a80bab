/* SPDX-License-Identifier: Apache-2.0 */
/* Property lists: what devices send is read, what could hurt is refused before the tree is built,
 * what we write is read back. */
#include <criterion/criterion.h>
#include <stdio.h>

#include "muster/plist.h"

#define DOCTYPE                                                                                    \
	"<!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" "                                  \
	"\"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n"
#define XML        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n" DOCTYPE
#define OPEN       XML "<plist version=\"1.0\">"
#define ROOT(text) OPEN "<dict>" text "</dict></plist>"

static const struct mst_plist_limits limits = {.len_max = 4000, .depth_max = 4, .nodes_max = 60};
static struct mst_arena arena; /* every test is a process of its own */

static const char token_update[] =
	ROOT("\n\t<key>MessageType</key>\n\t<string>TokenUpdate</string>\n"
	     "\t<key>PushMagic</key><string>A&amp;B &#228;</string>\n"
	     "\t<key>Token</key>\n\t<data>\n\tAAEC\n\tAw==\n\t</data>\n"
	     "\t<key>AwaitingConfiguration</key><true/>\n\t<key>Off</key><false />\n"
	     "\t<key>Empty</key><string/><key>Nothing</key><data></data>\n"
	     "\t<key>Number</key><integer>42</integer><key>Minus</key><integer>-7</integer>\n"
	     "\t<key>When</key><date>2026-01-02T03:04:05Z</date><key>Ratio</key><real>1.5</real>\n"
	     "\t<key>Chain</key><array><dict><key>ErrorCode</key><integer>12021</integer></"
	     "dict><string>x</string></array>\n"
	     "\t<key>Inner</key><dict><key>A</key><string>B</string></dict>\n");

static void expect_token_update(struct mst_slice bytes)
{
	const struct mst_plist *root;
	const struct mst_plist *inner;
	struct mst_slice text;
	struct mst_err e = {.text = ""};
	uint64_t u;
	int64_t i;
	bool is_set;
	cr_assert_eq(mst_plist_parse(&root, &arena, bytes, &limits, &e), 0, "%s", e.text);
	cr_expect(mst_plist_text0(root, &text, "MessageType", &e) == 1 &&
		  mst_slice_eq(text, MST_S("TokenUpdate")));
	cr_expect(mst_plist_text0(root, &text, "PushMagic", &e) == 1 &&
		  mst_slice_eq(text, MST_S("A&B \xc3\xa4")));
	cr_expect(mst_plist_data0(root, &text, "Token", &e) == 1 &&
		  mst_slice_eq(text, MST_S("\0\1\2\3")));
	cr_expect(mst_plist_bool(root, &is_set, "AwaitingConfiguration", &e) == 1 && is_set);
	cr_expect(mst_plist_bool(root, &is_set, "Off", &e) == 1 && !is_set);
	cr_expect(mst_plist_text0(root, &text, "Empty", &e) == 1 && text.len == 0);
	cr_expect(mst_plist_data0(root, &text, "Nothing", &e) == 1 && text.len == 0);
	cr_expect(mst_plist_u64(root, &u, "Number", &e) == 1 && u == 42);
	cr_expect(mst_plist_i64(root, &i, "Minus", &e) == 1 && i == -7);
	cr_expect_eq(mst_plist_u64(root, &u, "Minus", &e), -1);
	cr_expect_eq(mst_plist_text0(root, &text, "Absent", &e), 0);
	cr_expect_eq(mst_plist_text0(root, &text, "Token", &e), -1);
	cr_expect_eq(mst_plist_bool(root, &is_set, "Number", &e), -1);
	cr_expect(mst_plist_array0(root, &inner, "Chain", &e) == 1 && mst_plist_num(inner) == 2);
	cr_expect(mst_plist_u64(mst_plist_at0(inner, 0), &u, "ErrorCode", &e) == 1 && u == 12021);
	cr_expect(mst_plist_text0(mst_plist_at0(inner, 1), &text, NULL, &e) == 1 &&
		  mst_slice_eq(text, MST_S("x")));
	cr_expect_null(mst_plist_at0(inner, 2));
	cr_expect(mst_plist_dict0(root, &inner, "Inner", &e) == 1 && mst_plist_num(inner) == 1);
	cr_expect_eq(mst_plist_dict0(root, &inner, "Chain", &e), -1);
}

Test(plist, reads_xml)
{
	expect_token_update(MST_S(token_update));
	/* a terminator and a byte order mark that some senders add */
	expect_token_update(mst_slice(token_update, sizeof(token_update)));
	char marked[sizeof(token_update) + 3];
	memcpy(marked, "\xef\xbb\xbf", 3);
	memcpy(marked + 3, token_update, sizeof(token_update));
	expect_token_update(mst_slice(marked, sizeof(marked) - 1));
}

static bool note(void *context, struct mst_slice key, const struct mst_plist *value)
{
	struct mst_slice *first = context;
	if (first->len == 0)
		*first = mst_slice(key.at, key.len); /* only its length is looked at later */
	return mst_plist_kind(value) != MST_PLIST_OTHER;
}

static bool number(void *context, struct mst_slice key, const struct mst_plist *value)
{
	++*(size_t *)context;
	return true;
}

Test(plist, walks)
{
	const struct mst_plist *root;
	const struct mst_plist *inner;
	struct mst_slice first = {NULL, 0};
	struct mst_err e;
	size_t num = 0;
	cr_assert_eq(mst_plist_parse(&root, &arena, MST_S(token_update), &limits, &e), 0);
	mst_plist_each(root, &first, note);
	cr_expect_eq(first.len, strlen("MessageType"));
	mst_plist_each(root, &num, number);
	cr_expect_eq(num, mst_plist_num(root));
	num = 0;
	cr_assert_eq(mst_plist_array0(root, &inner, "Chain", &e), 1);
	mst_plist_each(inner, &num, number);
	cr_expect_eq(num, 2);
}

static const struct {
	const char *name, *text;
	enum mst_code code;
} refused[] = {
	{"empty", "", MST_E_SYNTAX},
	{"no plist", "hello", MST_E_SYNTAX},
	{"json", "{\"a\": 1}", MST_E_SYNTAX},
	{"only head", XML, MST_E_SYNTAX},
	{"root is an array", OPEN "<array></array></plist>", MST_E_SYNTAX},
	{"root is a string", OPEN "<string>a</string></plist>", MST_E_SYNTAX},
	{"no root", OPEN "</plist>", MST_E_SYNTAX},
	{"two dictionaries", OPEN "<dict/><dict/></plist>", MST_E_SYNTAX},
	{"two plists", ROOT("") "<plist><dict/></plist>", MST_E_SYNTAX},
	{"not closed", OPEN "<dict>", MST_E_SYNTAX},
	{"crossed", OPEN "<dict><key>a</key><array></dict></array></plist>", MST_E_SYNTAX},
	{"text behind", ROOT("") "x", MST_E_SYNTAX},
	{"text inside", ROOT("x"), MST_E_SYNTAX},
	{"unknown element", ROOT("<key>a</key><script>x</script>"), MST_E_SYNTAX},
	{"attribute", ROOT("<key>a</key><string b=\"c\">x</string>"), MST_E_SYNTAX},
	{"value without key", ROOT("<string>x</string>"), MST_E_SYNTAX},
	{"key without value", ROOT("<key>a</key>"), MST_E_SYNTAX},
	{"two keys", ROOT("<key>a</key><key>b</key><true/>"), MST_E_SYNTAX},
	{"empty key", ROOT("<key/><true/>"), MST_E_SYNTAX},
	{"element in a string", ROOT("<key>a</key><string><true/></string>"), MST_E_SYNTAX},
	{"cut tag", OPEN "<dict><key", MST_E_SYNTAX},
	{"cut comment", OPEN "<dict><!-- x", MST_E_SYNTAX},
	{"entities",
	 "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY a \"b\">]><plist><dict/></plist>",
	 MST_E_SYNTAX},
	{"external entity",
	 "<!DOCTYPE plist [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><plist><dict/></plist>",
	 MST_E_SYNTAX},
	{"two types", DOCTYPE DOCTYPE "<plist><dict/></plist>", MST_E_SYNTAX},
	{"late type", "<plist>" DOCTYPE "<dict/></plist>", MST_E_SYNTAX},
	{"stray CDATA", ROOT("<![CDATA[x]]>"), MST_E_SYNTAX},
	{"instruction inside", ROOT("<?x y?>"), MST_E_SYNTAX},
	{"NUL by number", ROOT("<key>a</key><string>x&#0;y</string>"), MST_E_SYNTAX},
	{"NUL by number in a key", ROOT("<key>a&#x00;b</key><true/>"), MST_E_SYNTAX},
	{"surrogate by number", ROOT("<key>a</key><string>&#xd800;</string>"), MST_E_SYNTAX},
	{"beyond Unicode", ROOT("<key>a</key><string>&#x110000;</string>"), MST_E_SYNTAX},
	{"far beyond", ROOT("<key>a</key><string>&#99999999999999999999;</string>"), MST_E_SYNTAX},
	{"bad number", ROOT("<key>a</key><string>&#1a;</string>"), MST_E_SYNTAX},
	{"number with a sign", ROOT("<key>a</key><string>&#-1;</string>"), MST_E_SYNTAX},
	{"no number", ROOT("<key>a</key><string>&#;</string>"), MST_E_SYNTAX},
	{"entity without end", ROOT("<key>a</key><string>&amp</string>"), MST_E_SYNTAX},
	{"unknown entity", ROOT("<key>a</key><string>&b;</string>"), MST_E_SYNTAX},
	{"no hexadecimal number", ROOT("<key>a</key><string>&#x;</string>"), MST_E_SYNTAX},
	{"two keys of a name", ROOT("<key>a</key><true/><key>a</key><true/>"), MST_E_SYNTAX},
	{"two keys, spelt in two ways", ROOT("<key>a</key><true/><key>&#97;</key><true/>"),
	 MST_E_SYNTAX},
	{"two empty keys", ROOT("<key></key><true/><key></key><true/>"), MST_E_SYNTAX},
	{"text in true", ROOT("<key>a</key><true>x</true>"), MST_E_SYNTAX},
	{"not base64", ROOT("<key>a</key><data>AA-A</data>"), MST_E_SYNTAX},
	{"half a byte", ROOT("<key>a</key><data>A</data>"), MST_E_SYNTAX},
	{"not an integer", ROOT("<key>a</key><integer>12a</integer>"), MST_E_SYNTAX},
	{"only a sign", ROOT("<key>a</key><integer>-</integer>"), MST_E_SYNTAX},
	{"only 0x", ROOT("<key>a</key><integer>0x</integer>"), MST_E_SYNTAX},
	{"over 64 bits", ROOT("<key>a</key><integer>18446744073709551616</integer>"), MST_E_SYNTAX},
	{"under 64 bits", ROOT("<key>a</key><integer>-9223372036854775809</integer>"),
	 MST_E_SYNTAX},
	{"not a real", ROOT("<key>a</key><real>1.5.</real>"), MST_E_SYNTAX},
	{"an exponent of nothing", ROOT("<key>a</key><real>1e</real>"), MST_E_SYNTAX},
	{"not a date", ROOT("<key>a</key><date>2026-01-02</date>"), MST_E_SYNTAX},
	{"no date", ROOT("<key>a</key><date/>"), MST_E_SYNTAX},
	{"tags cross in a leaf", ROOT("<key>a</key><string>x</data>"), MST_E_SYNTAX},
	{"doctype in a leaf", ROOT("<key>a</key><string><!DOCTYPE plist></string>"), MST_E_SYNTAX},
	{"instruction in a leaf", ROOT("<key>a</key><string><?x?></string>"), MST_E_SYNTAX},
	{"cut CDATA", OPEN "<dict><key>a</key><string><![CDATA[x", MST_E_SYNTAX},
	{"attribute on an end", OPEN "<dict></dict></plist a=\"b\">", MST_E_SYNTAX},
	{"slash and space", ROOT("<key>a</key><true/ >"), MST_E_SYNTAX},
	{"space before the name", ROOT("<key>a</key>< true/>"), MST_E_SYNTAX},
	{"upper case", ROOT("<key>a</key><True/>"), MST_E_SYNTAX},
	{"encoding", "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><plist><dict/></plist>",
	 MST_E_SYNTAX},
	{"encoding without quotes", "<?xml version=\"1.0\" encoding=UTF-8?><plist><dict/></plist>",
	 MST_E_SYNTAX},
	{"encoding without an end",
	 "<?xml version=\"1.0\" encoding=\"UTF-8?><plist><dict/></plist>", MST_E_SYNTAX},
	{"depth over",
	 ROOT("<key>a</key><array><array><array><array/></array></array></array>"
	      "<key>b</key><array><array><array><array><true/></array></array></array></array>"),
	 MST_E_TOO_BIG},
};

Test(plist, refuses_xml)
{
	for (size_t i = 0; i < MST_LEN(refused); i++) {
		const struct mst_plist *root;
		struct mst_err e = {.code = MST_E_NONE};
		cr_expect_eq(
			mst_plist_parse(&root, &arena, mst_slice_str(refused[i].text), &limits, &e),
			-1, "%s", refused[i].name);
		cr_expect_null(root);
		cr_expect_eq(e.code, refused[i].code, "%s: %s", refused[i].name, e.text);
	}
}

Test(plist, every_prefix_is_refused)
{
	for (size_t len = 0; len < sizeof(token_update) - 1; len++) {
		const struct mst_plist *root;
		struct mst_err e;
		cr_assert_eq(
			mst_plist_parse(&root, &arena, mst_slice(token_update, len), &limits, &e),
			-1, "%zu bytes", len);
	}
}

Test(plist, limits)
{
	struct mst_plist_limits exact = limits;
	struct mst_slice doc = MST_S(ROOT("<key>a</key><array><true/></array>"));
	const struct mst_plist *root;
	struct mst_err e;
	exact.len_max = doc.len;
	exact.depth_max = 2;
	exact.nodes_max = 5; /* plist, dict, key, array, true */
	cr_assert_eq(mst_plist_parse(&root, &arena, doc, &exact, &e), 0, "%s", e.text);
	exact.len_max--;
	cr_expect(mst_plist_parse(&root, &arena, doc, &exact, &e) == -1 && e.code == MST_E_TOO_BIG);
	exact.len_max++;
	exact.depth_max = 1;
	cr_expect(mst_plist_parse(&root, &arena, doc, &exact, &e) == -1 && e.code == MST_E_TOO_BIG);
	exact.depth_max = 2;
	exact.nodes_max = 4;
	cr_expect(mst_plist_parse(&root, &arena, doc, &exact, &e) == -1 && e.code == MST_E_TOO_BIG);
}

/* A dictionary of `num` keys; key `twice` comes once more at the end. */
static struct mst_slice many_keys(char *out, size_t room, int num, int twice)
{
	size_t len = (size_t)snprintf(out, room, OPEN "<dict>");
	for (int i = 0; i <= num; i++) {
		int key = i < num ? i * 7919 % 1009 : twice * 7919 % 1009;
		if (i < num || twice >= 0)
			len += (size_t)snprintf(out + len, room - len, "<key>k%d</key><true/>",
						key);
	}
	len += (size_t)snprintf(out + len, room - len, "</dict></plist>");
	return mst_slice(out, len);
}

Test(plist, keys_come_once)
{
	static char doc[65536];
	const struct mst_plist *root;
	struct mst_err e = {.text = ""};
	static const int nums[] = {1, 2, 31, 32, 33, 34, 100, 1000};
	for (size_t i = 0; i < MST_LEN(nums); i++) {
		struct mst_slice once = many_keys(doc, sizeof(doc), nums[i], -1);
		cr_expect_eq(mst_plist_parse(&root, &arena, once, &mst_plist_limits_device, &e), 0,
			     "%d: %s", nums[i], e.text);
		for (int twice = 0; twice < nums[i]; twice += 1 + nums[i] / 20) {
			struct mst_slice both = many_keys(doc, sizeof(doc), nums[i], twice);
			cr_expect_eq(
				mst_plist_parse(&root, &arena, both, &mst_plist_limits_device, &e),
				-1, "%d and %d", nums[i], twice);
			cr_expect_eq(e.code, MST_E_SYNTAX);
		}
	}
}

Test(plist, an_arena_may_be_too_small)
{
	struct mst_slice doc = MST_S(token_update);
	size_t room = mst_plist_room(doc.len, &limits);
	const struct mst_plist *root;
	struct mst_err e = {.text = ""};
	for (size_t limit = 16; limit <= room; limit += 16) {
		struct mst_arena small;
		mst_arena_init(&small, NULL, limit);
		if (mst_plist_parse(&root, &small, doc, &limits, &e) < 0)
			cr_expect(e.code == MST_E_TOO_BIG && limit < room, "%zu: %s", limit,
				  e.text);
		mst_arena_done(&small);
	}
}

Test(plist, integers_up_to_64_bits)
{
	const struct mst_plist *root;
	struct mst_err e;
	uint64_t u;
	int64_t i;
	cr_assert_eq(
		mst_plist_parse(&root, &arena,
				MST_S(ROOT("<key>u</key><integer>18446744073709551615</integer>"
					   "<key>i</key><integer>-9223372036854775808</integer>"
					   "<key>h</key><integer>0xff</integer>")),
				&limits, &e),
		0);
	cr_expect(mst_plist_u64(root, &u, "u", &e) == 1 && u == UINT64_MAX);
	cr_expect_eq(mst_plist_i64(root, &i, "u", &e), -1);
	cr_expect(mst_plist_i64(root, &i, "i", &e) == 1 && i == INT64_MIN);
	cr_expect_eq(mst_plist_u64(root, &u, "i", &e), -1);
	cr_expect(mst_plist_u64(root, &u, "h", &e) == 1 && u == 255);
}

Test(plist, text_with_nul_is_no_text)
{
	const struct mst_plist *root;
	struct mst_err e;
	cr_expect_eq(mst_plist_parse(&root, &arena,
				     MST_S(ROOT("<key>a</key><string>x\0y</string>")), &limits, &e),
		     -1);
	cr_expect_eq(mst_plist_parse(&root, &arena,
				     MST_S(ROOT("<key>a</key><string><![CDATA[x\0y]]></string>")),
				     &limits, &e),
		     -1);
}

Test(plist, written_is_read)
{
	struct mst_plist_out w;
	const struct mst_plist *root;
	const struct mst_plist *list, *inner;
	struct mst_slice doc, text;
	struct mst_err e = {.text = ""};
	int64_t n;
	bool is_set;
	mst_plist_begin(&w, &arena);
	mst_plist_open_dict(&w, NULL);
	mst_plist_put_text(&w, "text", MST_S("a<b>&\"c\"\r\n\xc3\xa4\x01\xff\xef\xbf\xbf"));
	mst_plist_put_data(&w, "data", MST_S("\0\1\2\3\4"));
	mst_plist_put_data(&w, "none", (struct mst_slice){NULL, 0});
	mst_plist_put_bool(&w, "yes", true);
	mst_plist_put_i64(&w, "minus", -12);
	mst_plist_open_array(&w, "list");
	mst_plist_put_text(&w, NULL, MST_S("one"));
	mst_plist_open_dict(&w, NULL);
	mst_plist_put_bool(&w, "<no>", false);
	mst_plist_close(&w);
	mst_plist_close(&w);
	mst_plist_close(&w);
	cr_assert_eq(mst_plist_end(&w, &doc, &e), 0);
	cr_assert_eq(mst_plist_parse(&root, &arena, doc, &limits, &e), 0, "%s\n%.*s", e.text,
		     (int)doc.len, (const char *)doc.at);
	cr_expect(mst_plist_text0(root, &text, "text", &e) == 1);
	cr_expect(mst_slice_eq(text, MST_S("a<b>&"
					   "\"c\"\r\n\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
					   "\xef\xbf\xbd\xef\xbf\xbd")),
		  "%.*s", (int)text.len, (const char *)text.at);
	cr_expect(mst_plist_data0(root, &text, "data", &e) == 1 &&
		  mst_slice_eq(text, MST_S("\0\1\2\3\4")));
	cr_expect(mst_plist_data0(root, &text, "none", &e) == 1 && text.len == 0);
	cr_expect(mst_plist_bool(root, &is_set, "yes", &e) == 1 && is_set);
	cr_expect(mst_plist_i64(root, &n, "minus", &e) == 1 && n == -12);
	cr_expect(mst_plist_array0(root, &list, "list", &e) == 1 && mst_plist_num(list) == 2);
	cr_expect(mst_plist_dict0(mst_plist_at0(list, 1), &inner, NULL, &e) == 1);
	cr_expect(mst_plist_bool(inner, &is_set, "<no>", &e) == 1 && !is_set);
	mst_arena_done(&arena);
}
