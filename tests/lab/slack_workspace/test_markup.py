"""Texts from outside are rendered with Slack's markup, and their HTML is escaped."""

from __future__ import annotations

import pytest

from bot.lab.slack_workspace.page.markdown import markdown
from bot.lab.slack_workspace.page.mrkdwn import NameLookup, mrkdwn
from bot.lab.slack_workspace.page.rendering import colour, weblink
from bot.lab.slack_workspace.page.rich_text import rich_text

NAMES = NameLookup({"U0BOB": "Bob"}.get, {"C0DB": "db"}.get, {"S0DBA": "dba"}.get, lambda: 1_795_453_900.0)
SCRIPT = "<script>alert(1)</script>"


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("*bold* _it_ ~no~", "<strong>bold</strong> <em>it</em> <del>no</del>"),
        ("2*3*4 and snake_case_name", "2*3*4 and snake_case_name"),
        ("`a *b* <c>`", "<code>a *b* &lt;c&gt;</code>"),
        ("```x\n<y>```", "<pre>x\n&lt;y&gt;</pre>"),
        ("<@U0BOB>", '<span class="mention user">@Bob</span>'),
        ("<@U0GONE|gone>", '<span class="mention user">@gone</span>'),
        ("<#C0DB>", '<span class="mention channel">#db</span>'),
        ("<!subteam^S0DBA>", '<span class="mention user">@dba</span>'),
        ("<!here>", '<span class="mention broadcast">@here</span>'),
        ("a &lt;b&gt; &amp; c", "a &lt;b&gt; &amp; c"),
        ("one\ntwo", "one<br>two"),
        ("&gt; quoted\nnot", "<blockquote>quoted</blockquote>not"),
        (":tada: :unheard_of:", "🎉 :unheard_of:"),
        ("<https://x.example/?a=1&amp;b=2|here>", 'href="https://x.example/?a=1&amp;b=2"'),
    ],
)
def test_mrkdwn_is_rendered_as_html(text, html):
    assert html in str(mrkdwn(text, NAMES))


def test_a_date_is_formatted_with_its_fallback_as_title():
    shown = str(mrkdwn("<!date^1795453900^{date_num}|17:11 UTC>", NAMES))

    assert '<time title="17:11 UTC">2026-11-' in shown


@pytest.mark.parametrize(
    "text",
    [
        SCRIPT,
        "&lt;script&gt;alert(1)&lt;/script&gt;",
        f"*{SCRIPT}*",
        f"`{SCRIPT}`",
        f"```{SCRIPT}```",
        "<https://x.example|<script>alert(1)</script>>",
        "<@U0X|<script>>",
        "<!date^1^<script>|<script>>",
        "\ue0000\ue001<script>",
        "&#xe000;0&#xe001;`<script>`",
        "&amp;lt;script&amp;gt;",
        '<https://x.example/"onmouseover="alert(1)|x>',
    ],
)
def test_html_in_texts_is_escaped(text):
    shown = str(mrkdwn(text, NAMES)) + str(markdown(text))

    assert "<script" not in shown
    assert '"onmouseover' not in shown


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "vbscript:x", "//x.example", "JaVaScRiPt:x"]
)
def test_only_web_and_mail_links_are_rendered(url):
    link = {"type": "rich_text_section", "elements": [{"type": "link", "url": url, "text": "press"}]}

    assert "href" not in str(mrkdwn(f"<{url}|press>", NAMES))
    assert "href" not in str(markdown(f"[press]({url})"))
    assert "href" not in str(rich_text({"elements": [link]}, NAMES))
    assert weblink(url) == "#"


def test_an_invalid_colour_becomes_grey():
    assert colour("danger") == "#a30200"
    assert colour("2eb886") == "#2eb886"
    assert colour('red"/><script>') == "#dddddd"


def test_markdown_blocks_are_rendered_as_html():
    shown = str(markdown("## Title\n**b** [l](https://x.example)\n- one\n- two\n```\n<x>\n```"))

    assert '<p class="heading">Title</p>' in shown
    assert "<strong>b</strong>" in shown
    assert "<ul><li>one</li><li>two</li></ul>" in shown
    assert "<pre>&lt;x&gt;</pre>" in shown
