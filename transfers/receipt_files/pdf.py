"""A receipt as PDF: an A5 page, and pages of its lines where it has some; fonts embedded, the same bytes each time."""

from collections.abc import Sequence
from typing import Final

from django.conf import settings
from fpdf import FPDF
from fpdf.enums import WrapMode, XPos, YPos
from fpdf.fonts import FontFace

from transfers.receipt_files.paper import Block, Line, Paper

FONTS: Final = settings.BASE_DIR / "templates" / "fonts"
TEXT, FIXED = "DejaVu", "DejaVuMono"
# Units: mm; text in points.
A5: Final = (148, 210)
MARGIN, LABEL_WIDTH, EQUIVALENT_WIDTH, INDENT = 12, 50, 34, 4
LINE_HEIGHT, SMALL_HEIGHT = 5, 3.8
TABLE_SIZE, GAP = 6.5, 2
INK, GREY, RULE, GREEN, RED = (29, 39, 51), (90, 101, 114), (208, 214, 221), (11, 92, 70), (160, 28, 28)


def pdf_of(paper: Paper, lines: Sequence[Sequence[str]] = ()) -> bytes:
    """Return the PDF of a receipt; the first of its lines is their head."""
    page = FPDF(orientation="portrait", unit="mm", format=A5)
    page.set_margins(MARGIN, MARGIN)
    page.c_margin = 0  # text begins where rules begin
    page.set_auto_page_break(auto=True, margin=MARGIN)
    page.add_font(TEXT, "", FONTS / "DejaVuSans.ttf")
    page.add_font(TEXT, "B", FONTS / "DejaVuSans-Bold.ttf")
    page.add_font(FIXED, "", FONTS / "DejaVuSansMono.ttf")
    _describe(page, paper)
    page.add_page()
    _write_head(page, paper)
    for block in paper.blocks:
        _write_block(page, block)
    _write_notes(page, paper)
    if lines:
        _write_table(page, lines)
    return bytes(page.output())


def _describe(page: FPDF, paper: Paper) -> None:
    page.set_title(f"{paper.title} {paper.number}")
    page.set_author(paper.issuer)
    page.set_lang(paper.language)
    # The moment of issue, not of this call: the file is the same each time.
    page.set_creation_date(paper.issued_at)


def _write_head(page: FPDF, paper: Paper) -> None:
    _say(page, paper.issuer, size=11, style="B")
    for line in paper.issuer_lines:
        _say(page, line, size=8, colour=GREY, height=SMALL_HEIGHT)
    page.ln(5)
    _say(page, paper.title, size=15, style="B", colour=GREEN, height=7)
    _say(page, paper.number, size=10, style="B")
    _say(page, paper.issued, size=8, colour=GREY, height=SMALL_HEIGHT)
    if paper.state:
        _say(page, paper.state, size=8, colour=GREY, height=SMALL_HEIGHT)
    if paper.warning:
        page.ln(2)
        _say(page, paper.warning, size=9, style="B", colour=RED)


def _write_block(page: FPDF, block: Block) -> None:
    page.ln(3.5)
    _say(page, block.heading, size=8.5, style="B", colour=GREEN)
    page.set_draw_color(*RULE)
    page.line(MARGIN, page.get_y(), page.w - MARGIN, page.get_y())
    page.ln(1)
    for line in block.lines:
        (_write_hash if line.is_hash else _write_line)(page, line)


def _write_line(page: FPDF, line: Line) -> None:
    """Write the label left and the value right of it, both wrapped; the equivalent is at the right edge."""
    indent = INDENT if line.is_share else 0
    style, colour, size = (
        ("B" if line.is_total else ""),
        (GREY if line.is_share else INK),
        8 if line.is_share else 9,
    )
    value_width = page.epw - LABEL_WIDTH - (EQUIVALENT_WIDTH if line.equivalent else 0)
    top = page.get_y()
    page.set_x(MARGIN + indent)
    bottoms = [
        _cell(
            page,
            LABEL_WIDTH - indent,
            line.label,
            size=size,
            style=style,
            colour=INK if line.is_total else GREY,
        )
    ]
    for x, width, text, its_colour in (
        (MARGIN + LABEL_WIDTH, value_width, line.value, colour),
        (page.w - MARGIN - EQUIVALENT_WIDTH, EQUIVALENT_WIDTH, line.equivalent, GREY),
    ):
        if text:
            page.set_xy(x, top)
            bottoms.append(
                _cell(
                    page,
                    width,
                    text,
                    size=size,
                    style=style,
                    colour=its_colour,
                    align="R" if line.equivalent else "L",
                )
            )
    page.set_xy(MARGIN, max(bottoms))


def _write_hash(page: FPDF, line: Line) -> None:
    _say(page, line.label, size=8, colour=GREY, height=SMALL_HEIGHT)
    page.set_font(FIXED, "", 6.7)
    page.set_text_color(*INK)
    page.multi_cell(
        0, SMALL_HEIGHT, line.value, align="L", wrapmode=WrapMode.CHAR, new_x=XPos.LMARGIN, new_y=YPos.NEXT
    )
    page.ln(0.8)


def _write_notes(page: FPDF, paper: Paper) -> None:
    page.ln(3)
    for note in paper.notes:
        _say(page, note, size=7, colour=GREY, height=SMALL_HEIGHT)


def _write_table(page: FPDF, lines: Sequence[Sequence[str]]) -> None:
    """Write the lines on pages of their own, the head on each; columns are as wide as what is in them, heads wrap."""
    page.add_page()
    page.set_font(TEXT, "", TABLE_SIZE)
    longest = [max(page.get_string_width(text) for text in column) for column in zip(*lines[1:], strict=True)]
    page.set_text_color(*INK)
    page.set_draw_color(*RULE)
    with page.table(
        col_widths=[width + GAP for width in longest], line_height=SMALL_HEIGHT, borders_layout="HORIZONTAL_LINES",
        text_align=("LEFT", *("RIGHT",) * (len(longest) - 1)), padding=(0.4, 0.8),
        headings_style=FontFace(emphasis="BOLD", color=GREEN),
    ) as table:  # fmt: skip
        for line in lines:
            table.row(line)


def _say(
    page: FPDF,
    text: str,
    *,
    size: float,
    style: str = "",
    colour: tuple[int, int, int] = INK,
    height: float = LINE_HEIGHT,
) -> None:
    """Write text over the whole width."""
    page.set_font(TEXT, style, size)
    page.set_text_color(*colour)
    page.multi_cell(0, height, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)


def _cell(
    page: FPDF,
    width: float,
    text: str,
    *,
    size: float,
    style: str,
    colour: tuple[int, int, int],
    align: str = "L",
) -> float:
    """Write text into a column; return where it ends."""
    page.set_font(TEXT, style, size)
    page.set_text_color(*colour)
    page.multi_cell(width, LINE_HEIGHT, text, align=align, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
    return page.get_y()
