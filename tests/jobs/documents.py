"""Small documents of each format, made by hand."""

from __future__ import annotations

import io
import zipfile
import zlib

TEXT = "Le zebra boit du café"


def zipped(parts: dict[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return out.getvalue()


_TYPES = '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/>{}</Types>'
_RELS = '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{}</Relationships>'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"


def _package(main: str, content_type: str, more_types: str = "") -> dict[str, str | bytes]:
    prefix = "application/vnd.openxmlformats-officedocument."
    override = f'<Override PartName="/{main}" ContentType="{prefix}{content_type}.main+xml"/>'
    relation = f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="{main}"/>'
    return {"[Content_Types].xml": _TYPES.format(override + more_types), "_rels/.rels": _RELS.format(relation)}


def docx(text: str = TEXT) -> bytes:
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    body = f'<?xml version="1.0"?><w:document xmlns:w="{space}"><w:body><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:body></w:document>'
    return zipped({**_package("word/document.xml", "wordprocessingml.document"), "word/document.xml": body})


def xlsx(text: str = TEXT) -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet_type = '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/>'
    return zipped(
        {
            **_package("xl/workbook.xml", "spreadsheetml.sheet", sheet_type),
            "xl/workbook.xml": f'<?xml version="1.0"?><workbook xmlns="{space}" xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": _RELS.format(
                f'<Relationship Id="rId1" Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/>'
            ),
            "xl/worksheets/sheet1.xml": f'<?xml version="1.0"?><worksheet xmlns="{space}"><sheetData><row r="1"><c r="A1" t="inlineStr"><is><t>{text}</t></is></c></row></sheetData></worksheet>',
        }
    )


def pptx(text: str = TEXT) -> bytes:
    space = 'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
    slide_type = '<Override PartName="/ppt/slides/slide1.xml" ContentType="application/vnd.openxmlformats-officedocument.presentationml.slide+xml"/>'
    return zipped(
        {
            **_package("ppt/presentation.xml", "presentationml.presentation", slide_type),
            "ppt/presentation.xml": f'<?xml version="1.0"?><p:presentation {space} xmlns:r="{_OFFICE}"><p:sldIdLst><p:sldId id="256" r:id="rId1"/></p:sldIdLst></p:presentation>',
            "ppt/_rels/presentation.xml.rels": _RELS.format(
                f'<Relationship Id="rId1" Type="{_OFFICE}/slide" Target="slides/slide1.xml"/>'
            ),
            "ppt/slides/slide1.xml": f'<?xml version="1.0"?><p:sld {space}><p:cSld><p:spTree><p:sp><p:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:txBody></p:sp></p:spTree></p:cSld></p:sld>',
        }
    )


def odt(text: str = TEXT) -> bytes:
    space = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"'
    return zipped(
        {
            "mimetype": "application/vnd.oasis.opendocument.text",
            "content.xml": f'<?xml version="1.0"?><office:document-content {space}><office:body><office:text><text:p>{text}</text:p></office:text></office:body></office:document-content>',
        }
    )


def pdf(stream: bytes | None = None, kids: str = "3 0 R", extra: str = "", trailer: str = "") -> bytes:
    """One page; `stream` is its content, flate coded if it is not given in plain."""
    if stream is None:
        stream = b"BT /F1 12 Tf 72 720 Td (Le zebra boit du caf\\351) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count 1 >>".encode(),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(stream)} {extra} >>\nstream\n".encode() + stream + b"\nendstream",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    out, places = b"%PDF-1.4\n", []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n" % number + one + b"\nendobj\n"
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    tail = f"trailer\n<< /Size {len(objects) + 1} /Root 1 0 R {trailer} >>\nstartxref\n{len(out)}\n%%EOF\n".encode()
    return out + head + table + tail


def rtf() -> bytes:
    return rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}}\f0 Le zebra boit du caf\'e9\par}"


def html(charset: str = "utf-8") -> bytes:
    page = f'<html><head><meta charset="{charset}"><script>var hidden = "secretscript"</script></head><body><h1>Le zebra</h1><p>boit du café</p></body></html>'
    return page.encode(charset)


def encrypted_pdf() -> bytes:
    """It asks for a password that nobody has."""
    return pdf(
        trailer="/Encrypt << /Filter /Standard /V 1 /R 2 /O <"
        + "41" * 32
        + "> /U <"
        + "42" * 32
        + "> /P -4 >> /ID [<00><00>]"
    )


def docx_bomb(megabytes: int) -> bytes:
    """A paragraph that unpacks to so many megabytes."""
    small = docx("@")
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(small)) as before,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as after,
    ):
        for one in before.namelist():
            head, middle, tail = before.read(one).partition(b"@" if one == "word/document.xml" else b"\0")
            with after.open(one, "w") as part:
                part.write(head)
                for _ in range(megabytes if middle else 0):
                    part.write(b"zebra  " * (1024 * 1024 // 7))
                part.write(tail)
    return out.getvalue()


def pdf_bomb(megabytes: int) -> bytes:
    """A content stream that unpacks to so many megabytes."""
    line = b"BT /F1 12 Tf (zebra) Tj ET\n"
    return pdf(zlib.compress(line * (megabytes * 1024 * 1024 // len(line)), 9), extra="/Filter /FlateDecode")
