/* SPDX-License-Identifier: Apache-2.0 */
/* The words: people, machines, programs, files, sites. */
#include "tests/bench/gen_impl.h"

#include <stdlib.h>

#include "lib/base/err.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))

static const char *const domains[] = {"CORP", "EXAMPLE", "OSAKA", "FACTORY"};

static const char *const procs[] = {
    "C:\\Windows\\System32\\svchost.exe",
    "C:\\Windows\\System32\\cmd.exe",
    "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe",
    "C:\\Windows\\explorer.exe",
    "C:\\Windows\\System32\\lsass.exe",
    "C:\\Windows\\System32\\conhost.exe",
    "C:\\Windows\\System32\\taskhostw.exe",
    "C:\\Windows\\System32\\RuntimeBroker.exe",
    "C:\\Windows\\System32\\dllhost.exe",
    "C:\\Windows\\System32\\wbem\\WmiPrvSE.exe",
    "C:\\Windows\\System32\\rundll32.exe",
    "C:\\Windows\\System32\\reg.exe",
    "C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe",
    "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe",
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE",
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE",
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE",
    "C:\\Program Files\\Microsoft Office\\root\\Office16\\POWERPNT.EXE",
    "C:\\Program Files\\Microsoft OneDrive\\OneDrive.exe",
    "C:\\Program Files\\Zoom\\bin\\Zoom.exe",
    "C:\\Program Files\\7-Zip\\7zG.exe",
    "C:\\Program Files\\Adobe\\Acrobat DC\\Acrobat\\Acrobat.exe",
    "C:\\Program Files\\Justsystems\\TARO\\TARO32.EXE",
    "C:\\Program Files (x86)\\hidemaru\\Hidemaru.exe",
    "C:\\ProgramData\\Microsoft\\Windows Defender\\Platform\\MsMpEng.exe",
    "C:\\Windows\\System32\\SearchProtocolHost.exe",
    "C:\\Windows\\System32\\backgroundTaskHost.exe",
    "C:\\Windows\\SysWOW64\\wscript.exe",
    "D:\\業務\\勤怠管理\\KintaiClient.exe",
    "D:\\業務\\販売管理システム\\Hanbai.exe",
};

static const char *const args[] = {
    "/c dir",
    "-NoProfile -ExecutionPolicy Bypass -File",
    "-k netsvcs -p -s Schedule -x",
    "--type=renderer --lang=ja --renderer-client-id=",
    "--type=utility --utility-sub-type=network --field-trial-handle=",
    "/automation -Embedding",
    "query HKLM\\SOFTWARE /v",
    "/dde",
    "shell32.dll,Control_RunDLL",
    "-Command \"Get-ChildItem -Recurse\" -Id",
    "/Processid:",
    "0xffffffff -ForceV1",
};

static const char *const folders[] = {
    "Documents",
    "Desktop",
    "Downloads",
    "Documents\\営業部",
    "Desktop\\新しいフォルダー",
    "OneDrive\\経理",
    "Documents\\議事録",
    "AppData\\Local\\Temp",
    "AppData\\Roaming\\Microsoft\\Office\\Recent",
};

static const char *const docs[] = {
    "見積書",
    "請求書_株式会社サンプル",
    "週報",
    "会議資料",
    "出張精算",
    "顧客一覧(社外秘)",
    "設計書_改訂版",
    "売上集計",
    "report",
    "budget",
    "meeting notes",
    "invoice",
    "~WRL",
    "setup",
    "log",
    "写真",
};

static const char *const exts[] = {".xlsx", ".docx", ".pdf", ".pptx", ".txt",
    ".csv", ".zip", ".tmp", ".jtd", ".lnk"};

static const char *const regs[] = {
    "HKLM\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run",
    "HKCU\\Software\\Microsoft\\Office\\16.0\\Excel\\File MRU",
    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\W32Time\\Config",
    "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Explorer\\RunMRU",
    "HKLM\\SYSTEM\\CurrentControlSet\\Services\\bam\\State\\UserSettings",
    "HKCU\\Software\\JustSystem\\ATOK\\Config",
};

static const char *const titles[] = {
    "受信トレイ - Outlook",
    "\"見積書\" - Excel",
    "勤怠入力 - 業務ポータル",
    "無題 - メモ帳",
    "Microsoft Teams - 定例会議",
    "エクスプローラー",
    "Google Chrome - 検索結果",
    "名前を付けて保存",
};

static const char *const sites[] = {
    "www.example.co.jp",
    "login.example.com",
    "cdn.example.net",
    "update.example.org",
    "portal.corp.example",
    "mail.example.jp",
    "api.example.com",
    "files.example.net",
    "telemetry.example.org",
    "kintai.corp.example",
};

static const char *const scripts[] = {
    "Get-WmiObject Win32_OperatingSystem | Select-Object Caption;",
    "$p = Get-Process | Where-Object { $_.CPU -gt 100 };",
    "Write-Host \"処理を開始します\";",
    "Invoke-WebRequest -Uri \"https://update.example.org/a.ps1\" -OutFile",
    "New-Item -Path C:\\Temp\\作業 -ItemType Directory -Force;",
    "foreach ($f in Get-ChildItem) { Copy-Item $f -Destination D:\\bak };",
};

static const char *const logins[] = {"root", "admin", "deploy", "oracle",
    "ubuntu", "backup", "test", "postgres", "suzuki", "tanaka", "git",
    "ansible"};

static const char *const pages[] = {
    "/index.html",
    "/api/v1/items",
    "/login",
    "/static/app.js",
    "/images/",
    "/wp-login.php",
    "/api/v1/orders",
    "/search",
    "/health",
    "/favicon.ico",
};

static const struct {
	const char *const *words;
	uint32_t n;
} lists[GEN_LISTS] = {
    [GEN_LIST_DOMAIN] = {domains, COUNT(domains)},
    [GEN_LIST_PROC] = {procs, COUNT(procs)},
    [GEN_LIST_ARGS] = {args, COUNT(args)},
    [GEN_LIST_FOLDER] = {folders, COUNT(folders)},
    [GEN_LIST_DOC] = {docs, COUNT(docs)},
    [GEN_LIST_EXT] = {exts, COUNT(exts)},
    [GEN_LIST_REG] = {regs, COUNT(regs)},
    [GEN_LIST_TITLE] = {titles, COUNT(titles)},
    [GEN_LIST_SITE] = {sites, COUNT(sites)},
    [GEN_LIST_SCRIPT] = {scripts, COUNT(scripts)},
    [GEN_LIST_LOGIN] = {logins, COUNT(logins)},
    [GEN_LIST_PAGE] = {pages, COUNT(pages)},
};

static const char *const family[][2] = {
    {"佐藤", "sato"},
    {"鈴木", "suzuki"},
    {"高橋", "takahashi"},
    {"田中", "tanaka"},
    {"伊藤", "ito"},
    {"渡辺", "watanabe"},
    {"山本", "yamamoto"},
    {"中村", "nakamura"},
    {"小林", "kobayashi"},
    {"加藤", "kato"},
    {"吉田", "yoshida"},
    {"山田", "yamada"},
    {"佐々木", "sasaki"},
    {"山口", "yamaguchi"},
    {"松本", "matsumoto"},
    {"井上", "inoue"},
    {"木村", "kimura"},
    {"林", "hayashi"},
    {"斎藤", "saito"},
    {"清水", "shimizu"},
    {"長谷川", "hasegawa"},
    {"髙﨑", "takasaki"},
    {"渡邊", "watanabe"},
    {"𠮷野", "yoshino"},
};

static const char *const given[][2] = {
    {"健一", "kenichi"},
    {"花子", "hanako"},
    {"太郎", "taro"},
    {"美咲", "misaki"},
    {"翔太", "shota"},
    {"陽子", "yoko"},
    {"大輔", "daisuke"},
    {"由美子", "yumiko"},
    {"拓也", "takuya"},
    {"さくら", "sakura"},
    {"誠", "makoto"},
    {"直樹", "naoki"},
    {"恵", "megumi"},
    {"亮", "ryo"},
    {"優子", "yuko"},
    {"隆", "takashi"},
};

static void
fill_style(struct bytes plain, enum gen_style style, uint8_t *to,
    struct gen_text *text)
{
	uint8_t *p = to;

	for (size_t i = 0; i < plain.len; i++) {
		uint8_t c = plain.ptr[i];

		if (style == GEN_STYLE_JSON && (c == '"' || c == '\\'))
			*p++ = '\\';
		if (style == GEN_STYLE_ITM2 && c == '"')
			*p++ = '"';
		*p++ = c;
	}
	text->ptr[style] = to;
	text->len[style] = (uint32_t)(p - to);
}

/* One block of memory for the three, each at most doubled. */
int
gen_names_text(struct bytes plain, struct gen_text *text)
{
	uint8_t *mem = malloc(GEN_STYLES * 2 * plain.len + 1);

	if (!mem)
		return ERR_NOMEM;
	for (int i = 0; i < GEN_STYLES; i++)
		fill_style(plain, (enum gen_style)i,
		    mem + (size_t)i * 2 * plain.len, text);
	return 0;
}

void
gen_names_text_fini(struct gen_text *text)
{
	free((void *)(uintptr_t)text->ptr[0]);
}

static int
fill_lists(struct gen *g)
{
	for (size_t i = 0; i < GEN_LISTS; i++) {
		struct gen_words *w = &g->words[i];

		w->text = calloc(lists[i].n, sizeof(*w->text));
		if (!w->text)
			return ERR_NOMEM;
		for (; w->n < lists[i].n; w->n++) {
			const char *word = lists[i].words[w->n];
			int rc =
			    gen_names_text(bytes_of_str(word), &w->text[w->n]);
			if (rc)
				return rc;
		}
	}
	return 0;
}

static uint8_t *
put_str(uint8_t *p, const char *s)
{
	return gen_put_mem(p, s, strlen(s));
}

/* Three of ten are written in Japanese, the others like sato.k2. */
static int
fill_user(struct gen_user *user, uint32_t i)
{
	uint64_t x = UINT64_C(0x75736572) + i;
	uint64_t r = gen_splitmix(&x);
	const char *const *f = family[r % COUNT(family)];
	const char *const *n = given[(r >> 8) % COUNT(given)];
	uint8_t name[64], *p = name;

	if (i % 10 < 3) {
		p = put_str(p, f[0]);
		p = put_str(p, " ");
		p = put_str(p, n[0]);
	} else {
		p = put_str(p, f[1]);
		p = put_str(p, ".");
		p = put_str(p, n[1]);
	}
	p = gen_template_decimal(p, i / (COUNT(family) * COUNT(given)) + 1);
	user->rid = 1000 + i;
	return gen_names_text(bytes_of(name, (size_t)(p - name)), &user->name);
}

static const struct {
	const char *prefix;
	unsigned percent; /* of the hosts; at least one */
} classes[GEN_CLASSES] = {
    [GEN_CLASS_PC] = {"PC-", 80},
    [GEN_CLASS_LINUX] = {"srv-", 12},
    [GEN_CLASS_ASA] = {"fw-", 1},
    [GEN_CLASS_IOS] = {"sw-", 5},
    [GEN_CLASS_FORTI] = {"fgt-", 1},
    [GEN_CLASS_PALO] = {"pa-", 1},
};

/* With fewer hosts than classes every class is everybody. */
static void
share_hosts(struct gen *g)
{
	uint32_t first = g->hosts;

	for (size_t i = GEN_CLASSES; i-- > 0;) {
		uint32_t n = g->hosts * classes[i].percent / 100;

		n = i == 0 ? first : n + (n == 0);
		if (g->hosts < GEN_CLASSES)
			n = first = g->hosts;
		first -= n;
		g->range[i] = (struct gen_range){first, n};
	}
}

static uint8_t *
put_hex(uint8_t *p, uint64_t x, int digits)
{
	while (digits-- > 0)
		*p++ = (uint8_t) "0123456789abcdef"[x >> (4 * digits) & 15];
	return p;
}

static void
fill_guid(uint64_t *x, char *text)
{
	uint64_t a = gen_splitmix(x), b = gen_splitmix(x);
	uint8_t *p = put_hex((uint8_t *)text, a >> 32, 8);

	*p++ = '-';
	p = put_hex(p, a >> 16, 4);
	p = put_str(p, "-4");
	p = put_hex(p, a, 3);
	p = put_str(p, "-8");
	p = put_hex(p, b >> 48, 3);
	*p++ = '-';
	*put_hex(p, b, 12) = 0;
}

static void
fill_host(struct gen *g, uint32_t i, const char *prefix)
{
	struct gen_host *h = &g->host_table[i];
	uint64_t x = UINT64_C(0x686f7374) + i;
	uint8_t *p = put_str((uint8_t *)h->name, prefix);

	p = gen_template_decimal(p, 10001 + i);
	h->name_len = (uint8_t)(p - (uint8_t *)h->name);
	p = put_str((uint8_t *)h->ip, "10.");
	p = gen_template_decimal(p, 64 + i / 65536 % 128);
	p = put_str(p, ".");
	p = gen_template_decimal(p, i / 250 % 256);
	p = put_str(p, ".");
	p = gen_template_decimal(p, i % 250 + 1);
	h->ip_len = (uint8_t)(p - (uint8_t *)h->ip);
	fill_guid(&x, h->guid);
	h->domain = (uint8_t)(gen_splitmix(&x) % COUNT(domains));
	h->user = (uint32_t)(gen_splitmix(&x) % g->users);
	p = put_str((uint8_t *)h->sid, "S-1-5-21-1004336348-117723891");
	p = gen_template_decimal(p, h->domain);
	p = put_str(p, "-682003330-");
	h->sid_len = (uint8_t)(p - (uint8_t *)h->sid);
}

int
gen_names_init(struct gen *g)
{
	g->host_table = calloc(g->hosts, sizeof(*g->host_table));
	g->user_table = calloc(g->users, sizeof(*g->user_table));
	if (!g->host_table || !g->user_table || fill_lists(g))
		return ERR_NOMEM;
	for (uint32_t i = 0; i < g->users; i++) {
		if (fill_user(&g->user_table[i], i))
			return ERR_NOMEM;
	}
	share_hosts(g);
	for (size_t c = 0; c < GEN_CLASSES; c++) {
		for (uint32_t i = 0; i < g->range[c].n; i++)
			fill_host(g, g->range[c].first + i, classes[c].prefix);
	}
	return 0;
}

void
gen_names_fini(struct gen *g)
{
	for (size_t i = 0; i < GEN_LISTS; i++) {
		for (uint32_t k = 0; k < g->words[i].n; k++)
			gen_names_text_fini(&g->words[i].text[k]);
		free(g->words[i].text);
	}
	for (uint32_t i = 0; g->user_table && i < g->users; i++)
		gen_names_text_fini(&g->user_table[i].name);
	free(g->user_table);
	free(g->host_table);
}
