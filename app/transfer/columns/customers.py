"""The columns of who a customer is and how to reach them; the workbooks choose from them.

The field names are those of the tables; `part` says of which, where it is not the customer's own.
"""

from app.customers.choices import Gender
from app.transfer.columns import parsers
from app.transfer.columns.base import Column, Form, Part

_PHONE_NOTE = "In any usual spelling; without +49 or the like it is read with the country."

NUMBER = Column(
    "Customer number",
    "number",
    parsers.text(20),
    width=16,
    example="1000001",
    note="Leave blank for a new customer: the system gives the number. "
    "In an update it says which customer is meant.",
    part=Part.NUMBER,
    hints=(
        "Kundennummer",
        "Kunden-Nr.",
        "Customer ID",
        "Client number",
        "Client ID",
        "Debitorennummer",
    ),
)
FORMER_NUMBER = Column(
    "Former number",
    "former_number",
    parsers.text(40),
    in_template=False,
    example="K-4711",
    note="The number in the system that the customer comes from.",
    hints=("Alte Kundennummer", "Old number", "Frühere Nummer"),
)
TITLE = Column(
    "Title",
    "title",
    parsers.text(40),
    width=10,
    example="Dr.",
    hints=("Titel", "Academic title"),
)
FIRST_NAME = Column(
    "First name",
    "first_name",
    parsers.text(120),
    required=True,
    example="Erika",
    hints=("Vorname", "Given name", "Forename", "Prénom"),
)
NAME = Column(
    "Name",
    "name",
    parsers.text(120),
    example="Mustermann",
    note="The family name.",
    hints=("Nachname", "Familienname", "Surname", "Last name", "Family name", "Nom"),
)
ALIAS = Column(
    "Alias",
    "alias",
    parsers.text(120),
    hints=("Spitzname", "Nickname"),
)
GENDER = Column(
    "Gender",
    "gender",
    parsers.member_of(
        Gender,
        f="FEMALE",
        w="FEMALE",
        weiblich="FEMALE",
        m="MALE",
        männlich="MALE",
        d="DIVERSE",
        divers="DIVERSE",
        x="DIVERSE",
        other="DIVERSE",
    ),
    form=Form.CHOICE,
    choices="genders",
    width=10,
    example="female",
    note="female, male or diverse; f, m and d will do.",
    hints=("Geschlecht", "Sex", "Anrede", "Salutation"),
)
DATE_OF_BIRTH = Column(
    "Date of birth",
    "date_of_birth",
    parsers.day,
    form=Form.DATE,
    width=14,
    example="31.12.1980",
    note="A date, or as text 31.12.1980 or 1980-12-31.",
    hints=("Geburtsdatum", "Geburtstag", "Birthday", "Birth date", "DOB"),
)
STREET = Column(
    "Street/No.",
    "street",
    parsers.text(200),
    width=28,
    example="Heidestraße 17",
    part=Part.ADDRESS,
    hints=(
        "Straße",
        "Straße und Hausnummer",
        "Strasse",
        "Street",
        "Address",
        "Address line 1",
        "Anschrift",
    ),
)
LINE_2 = Column(
    "Address line 2",
    "line_2",
    parsers.text(200),
    in_template=False,
    part=Part.ADDRESS,
    hints=("Adresszusatz", "Adresszeile 2", "Street 2"),
)
POSTCODE = Column(
    "Postcode",
    "postcode",
    parsers.text(20),
    width=11,
    example="01097",
    note="Text: leading zeros are kept.",
    aliases=("Zip code", "Postal code"),
    part=Part.ADDRESS,
    hints=("PLZ", "Postleitzahl", "ZIP", "Code postal"),
)
PLACE = Column(
    "Place",
    "place",
    parsers.text(120),
    example="Dresden",
    aliases=("City", "Town"),
    part=Part.ADDRESS,
    hints=("Ort", "Stadt", "Wohnort", "Ville"),
)
STATE = Column(
    "State",
    "state",
    parsers.text(80),
    in_template=False,
    part=Part.ADDRESS,
    hints=("Bundesland", "Region", "Province"),
)
CARE_OF = Column(
    "c/o",
    "care_of",
    parsers.text(120),
    part=Part.ADDRESS,
    hints=("zu Händen", "care of"),
)
PO_BOX = Column(
    "PO Box",
    "po_box",
    parsers.text(40),
    width=10,
    part=Part.ADDRESS,
    hints=("Postfach", "P.O. Box"),
)
COUNTRY = Column(
    "Country",
    "country",
    parsers.country,
    form=Form.CHOICE,
    choices="countries",
    width=14,
    example="Germany",
    note="The name in English, German or the country's own language, or the ISO code.",
    part=Part.ADDRESS,
    hints=("Land", "Country code", "Pays", "Staat"),
)
TELEPHONE_PRIVATE = Column(
    "Telephone private",
    "telephone_private",
    parsers.phone,
    needs=("country",),
    note=_PHONE_NOTE,
    hints=("Telefon", "Telefon privat", "Phone", "Telephone", "Home phone"),
)
BUSINESS_TELEPHONE = Column(
    "Business telephone",
    "business_telephone",
    parsers.phone,
    needs=("country",),
    note=_PHONE_NOTE,
    hints=("Telefon geschäftlich", "Telefon dienstlich", "Office phone", "Work phone"),
)
MOBILE_PHONE = Column(
    "Mobile phone",
    "mobile_phone",
    parsers.phone,
    needs=("country",),
    example="+49 170 1234567",
    note=_PHONE_NOTE + " No two customers share one.",
    hints=("Handy", "Mobil", "Mobiltelefon", "Mobile", "Cell phone"),
)
FAX = Column(
    "Fax",
    "fax",
    parsers.phone,
    needs=("country",),
    note=_PHONE_NOTE,
    hints=("Telefax", "Fax number"),
)
EMAIL = Column(
    "Email",
    "email",
    parsers.email,
    width=30,
    example="erika@example.org",
    aliases=("E-mail",),
    note="No two customers share one.",
    hints=("E-Mail-Adresse", "Mail", "Email address"),
)
HOMEPAGE = Column(
    "Homepage",
    "homepage",
    parsers.text(255),
    width=24,
    hints=("Website", "Webseite", "Internet", "URL"),
)
PREFERRED_LANGUAGE = Column(
    "Preferred language",
    "preferred_language",
    parsers.text(10),
    in_template=False,
    example="de",
    hints=("Sprache", "Language"),
)
CITIZENSHIP = Column(
    "Citizenship",
    "citizenship",
    parsers.text(60),
    hints=("Staatsangehörigkeit", "Nationality"),
)
ID_NUMBER = Column(
    "ID number",
    "id_number",
    parsers.text(60),
    hints=("Ausweisnummer", "Passport number"),
)
ID_NUMBER_ISSUED_BY = Column(
    "ID number issued by",
    "id_number_issued_by",
    parsers.text(120),
    hints=("Ausgestellt von", "Issuing authority"),
)
MEMO = Column(
    "Memo",
    "memo",
    parsers.text(200, lines=True),
    width=36,
    note="At most 200 characters.",
    hints=("Notiz", "Bemerkung", "Kommentar", "Note", "Comment", "Remarks"),
)
COMPANY_NAME = Column(
    "Company name",
    "company_name",
    parsers.text(200),
    required=True,
    width=30,
    example="Muster GmbH",
    hints=("Firma", "Firmenname", "Company", "Organisation", "Unternehmen", "Institution"),
)
VAT_ID = Column(
    "VAT ID",
    "vat_id",
    parsers.vat_id,
    width=16,
    example="DE136695976",
    hints=("USt-IdNr.", "Umsatzsteuer-ID", "VAT number"),
)
REGISTRATION_NUMBER = Column(
    "Registration number",
    "registration_number",
    parsers.text(60),
    example="HRB 12345",
    hints=("Handelsregisternummer", "HRB"),
)
CONTACT_FIRST_NAME = Column(
    "First name",
    "first_name",
    parsers.text(120),
    example="Erika",
    note="Of the contact.",
    hints=("Vorname", "Given name", "Forename", "Contact first name"),
)
CONTACT_FAMILY_NAME = Column(
    "Name",
    "name",
    parsers.text(120),
    example="Mustermann",
    note="Of the contact.",
    hints=("Nachname", "Familienname", "Surname", "Last name", "Family name"),
)
CONTACT_NAME = Column(
    "Contact name",
    "contact_name",
    parsers.text(120),
    width=24,
    hints=("Ansprechpartner", "Contact", "Contact person"),
)
