"""The words that invented customers are made of; banks and dialling codes are real ones."""

from typing import NamedTuple


class Place(NamedTuple):
    """A town with its country, the beginning of its postcodes and its dialling code."""

    name: str
    country: str
    postcode: str
    dialling: str
    local_digits: int


PLACES = (
    Place("Berlin", "DE", "101", "+4930", 8),
    Place("Berlin", "DE", "124", "+4930", 8),
    Place("Hamburg", "DE", "203", "+4940", 8),
    Place("München", "DE", "803", "+4989", 8),
    Place("Köln", "DE", "506", "+49221", 7),
    Place("Frankfurt am Main", "DE", "603", "+4969", 8),
    Place("Stuttgart", "DE", "701", "+49711", 7),
    Place("Düsseldorf", "DE", "402", "+49211", 7),
    Place("Leipzig", "DE", "041", "+49341", 7),
    Place("Dresden", "DE", "010", "+49351", 7),
    Place("Halle (Saale)", "DE", "061", "+49345", 7),
    Place("Hannover", "DE", "301", "+49511", 7),
    Place("Nürnberg", "DE", "904", "+49911", 7),
    Place("Göttingen", "DE", "370", "+49551", 7),
    Place("Heidelberg", "DE", "691", "+496221", 6),
    Place("Tübingen", "DE", "720", "+497071", 6),
    Place("Graz", "AT", "80", "+43316", 6),
    Place("Salzburg", "AT", "50", "+43662", 6),
    Place("Zürich", "CH", "80", "+4144", 7),
    Place("Bern", "CH", "30", "+4131", 7),
)
# How often each country comes up: most customers are at home.
COUNTRY_SHARES = {"DE": 86, "AT": 8, "CH": 6}

BANK_CODES = {
    "DE": ("37040044", "10070000", "50010517", "70150000", "43060967", "12030000", "20041133",
           "10010010", "60050101", "70020270", "86055592", "85050300", "37050198", "20050550"),
    "AT": ("12000", "20111", "60000", "32000"),
    "CH": ("00700", "09000", "00230", "00790"),
}  # fmt: skip
# How many digits an account number has behind the bank code.
ACCOUNT_DIGITS = {"DE": 10, "AT": 11, "CH": 12}
# Mobile numbers: prefixes, and what stands before seven digits of one's own.
MOBILE = {
    "DE": ("+491512", "+491523", "+491573", "+491590"),
    "AT": ("+436991",),
    "CH": ("+4178", "+4179"),
}

FEMALE = (
    "Anna", "Maria", "Sophie", "Lena", "Julia", "Katharina", "Laura", "Sabine", "Petra",
    "Monika", "Ursula", "Claudia", "Birgit", "Heike", "Andrea", "Zoë", "Chloé", "Élise",
    "Renée", "Ingrid", "Åsa", "Jörgine", "Käthe", "Marlène", "Agnieszka", "Małgorzata", "Ayşe",
    "Elif", "Fatma", "Olga", "Natalia", "Svetlana", "Giulia", "Francesca", "Carmen", "Lucía",
    "Mercedes", "Inês", "Nele", "Frieda", "Greta", "Charlotte", "Emilia", "Hannah", "Johanna",
    "Mathilde", "Paula", "Theresa", "Victoria", "Yvonne",
)  # fmt: skip
MALE = (
    "Thomas", "Michael", "Andreas", "Stefan", "Peter", "Wolfgang", "Klaus", "Jürgen", "Jörg",
    "Günter", "Uwe", "Frank", "Matthias", "Sebastian", "Florian", "Maximilian", "Lukas",
    "Jonas", "Felix", "Paul", "Leon", "Björn", "Søren", "René", "François", "André", "José",
    "Łukasz", "Paweł", "Mehmet", "Mustafa", "Emre", "Dmitri", "Sergei", "Giovanni", "Matteo",
    "Diego", "Álvaro", "João", "Karl", "Friedrich", "Heinrich", "Johannes", "Konstantin",
    "Ludwig", "Moritz", "Oskar", "Richard", "Theodor", "Vincent",
)  # fmt: skip
FAMILY = (
    "Müller", "Schmidt", "Schneider", "Fischer", "Weber", "Meyer", "Wagner", "Becker", "Schulz",
    "Hoffmann", "Schäfer", "Koch", "Bauer", "Richter", "Klein", "Wolf", "Schröder", "Neumann",
    "Schwarz", "Zimmermann", "Braun", "Krüger", "Hofmann", "Hartmann", "Lange", "Schmitt",
    "Werner", "Krause", "Meier", "Lehmann", "Huber", "Kaiser", "Fuchs", "Peters", "Lang",
    "Scholz", "Möller", "Weiß", "Jung", "Hahn", "Schubert", "Vogel", "Friedrich", "Keller",
    "Günther", "Frank", "Berger", "Winkler", "Roth", "Beck", "Lorenz", "Baumann", "Franke",
    "Albrecht", "Schuster", "Simon", "Ludwig", "Böhm", "Winter", "Kraus", "Martin",
    "Schumacher", "Krämer", "Vogt", "Stein", "Jäger", "Otto", "Sommer", "Groß", "Seidel",
    "Heinrich", "Brandt", "Haas", "Schreiber", "Graf", "Schulte", "Dietrich", "Ziegler", "Kuhn",
    "Kühn", "Pohl", "Engel", "Horn", "Busch", "Bergmann", "Thomas", "Voigt", "Sauer", "Arnold",
    "Wolff", "Pfeiffer", "Öztürk", "Yılmaz", "Kowalski", "Nowak", "Wójcik", "Dvořák", "Novák",
    "Horváth", "García", "Fernández", "Rossi", "Ferrari", "Dubois", "Lefèvre", "O'Brien",
    "MacDonald", "Jensen", "Ångström", "Nguyễn", "Ivanov", "Popović", "von Ahlefeld",
    "zu Hohenlohe", "de Vries", "van den Berg", "Meyer-Lüdenscheid",
)  # fmt: skip
STREETS = (
    "Hauptstraße", "Bahnhofstraße", "Schulstraße", "Gartenstraße", "Dorfstraße", "Bergstraße",
    "Lindenstraße", "Kirchstraße", "Waldstraße", "Ringstraße", "Goethestraße", "Schillerstraße",
    "Mozartstraße", "Heidestraße", "Rosenweg", "Birkenweg", "Ahornweg", "Lerchenweg",
    "Marktplatz", "Schlossplatz", "Universitätsring", "Am Hafen", "An der Kirche",
    "Unter den Linden",
)  # fmt: skip
BRANCHES = (
    "Maschinenbau", "Verlag", "Buchhandlung", "Druckerei", "Software", "Logistik", "Gartenbau",
    "Elektrotechnik", "Ingenieurbüro", "Bäckerei", "Apotheke", "Architekten", "Messtechnik",
    "Feinmechanik", "Spedition", "Medizintechnik", "Optik", "Textilhandel", "Weinhandel",
    "Möbelwerk",
)  # fmt: skip
LEGAL_FORMS = {"DE": ("GmbH", "GmbH & Co. KG", "AG", "OHG", "KG"), "AT": ("GmbH",), "CH": ("AG",)}
INSTITUTIONS = (
    "Universitätsbibliothek", "Universität", "Technische Hochschule", "Stadtbibliothek",
    "Landesbibliothek", "Institut für Physik", "Institut für Geschichte", "Klinikum",
    "Akademie der Wissenschaften", "Forschungszentrum",
)  # fmt: skip
TITLES = ("Dr.", "Prof. Dr.", "Dipl.-Ing.", "Mag.")
MAIL_DOMAINS = ("example.com", "example.org", "example.net")
MEMOS = (
    "Prefers to be called in the afternoon.",
    "Bitte immer schriftlich bestätigen.",
    "Long-standing customer; handle with care.",
    "Lieferung nur vormittags.",
)
REASONS_FOR_LOSS = ("Moved away", "Too expensive", "Went to a competitor")
