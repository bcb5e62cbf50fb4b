"""How spreadsheets call the fields of an event, in several languages."""

from collections.abc import Mapping
from typing import Final

# By field, normalised headers, the likeliest first.
HEADER_SYNONYMS: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("id", "event_id", "slug"),
    "title": (
        *("title", "headline", "event_title", "heading", "event_name", "name", "event", "subject"),
        *("titel", "uberschrift", "ereignis", "bezeichnung", "titre", "intitule", "evenement"),
        *("titulo", "evento", "titolo", "naslov", "dogadjaj", "dogadaj", "tytul", "titulek"),
    ),
    "summary": (
        *("summary", "description", "text", "abstract", "details", "notes", "body", "narrative"),
        *(
            "event_description",
            "beschreibung",
            "zusammenfassung",
            "inhalt",
            "resume",
            "descripcion",
        ),
        *("descrizione", "descricao", "resumen", "riassunto", "sazetak", "opis"),
    ),
    "type": (
        *("type", "event_type", "category", "kind", "art", "typ", "kategorie", "ereignisart"),
        *("type_d_evenement", "categorie", "tipo", "tipo_de_evento", "categoria", "vrsta", "tip"),
    ),
    "date": (
        *(
            "date",
            "event_date",
            "start_date",
            "date_start",
            "start",
            "from",
            "begin",
            "when",
            "day",
        ),
        *("datum", "beginn", "startdatum", "anfang", "jour", "date_de_debut", "debut", "fecha"),
        *("fecha_inicio", "data", "data_inizio", "inizio", "data_inicio", "pocetak", "od"),
    ),
    "date.end": (
        *("date_end", "end_date", "end", "to", "until", "enddatum", "ende", "bis", "date_de_fin"),
        *("fin", "fecha_fin", "data_fine", "fine", "data_fim", "fim", "kraj", "do"),
    ),
    "date.year": ("year", "start_year", "jahr", "annee", "ano", "anno", "godina"),
    "date.month": ("month", "start_month", "monat", "mois", "mes", "mese", "mesec"),
    "date.day": ("day", "start_day", "tag", "jour", "dia", "giorno", "dan"),
    "date.time": ("time", "start_time", "uhrzeit", "zeit", "heure", "hora", "ora", "vreme"),
    "date.end.year": ("end_year", "endjahr"),
    "date.end.month": ("end_month", "endmonat"),
    "date.end.day": ("end_day", "endtag"),
    "date.end.time": ("end_time", "endzeit"),
    "date.precision": ("time_precision", "date_precision", "precision", "date_prec"),
    "date_text": ("date_text", "display_date", "date_as_given", "original_date"),
    "status": ("status", "state"),
    "actors": (
        *("actors", "actor", "participants", "people", "persons", "organisations", "organizations"),
        *("actor_1", "actor1", "actor_2", "actor2", "actor_3", "actor3", "assoc_actor_1"),
        *("assoc_actor_2", "side_a", "side_b", "parties", "party", "who", "akteure", "beteiligte"),
        *("personen", "acteurs", "participantes", "actores", "attori", "atores", "akteri"),
    ),
    "places": (
        *("places", "place", "location", "city", "town", "venue", "site", "where", "ort", "stadt"),
        *("orte", "lieu", "lieux", "ville", "lugar", "ciudad", "luogo", "citta", "local", "cidade"),
        *("mesto", "grad"),
    ),
    "place.country": ("country", "country_code", "land", "pays", "pais", "paese", "drzava"),
    "place.latitude": ("latitude", "lat", "breite", "breitengrad", "latitud", "latitudine"),
    "place.longitude": (
        *("longitude", "lon", "lng", "long", "lange", "langengrad", "longitud", "longitudine"),
    ),
    "quantities": ("quantities",),
    "tags": (
        *("tags", "tag", "keywords", "labels", "topics", "group", "schlagworte", "stichworte"),
        *("gruppe", "mots_cles", "etiquetas", "palabras_clave", "parole_chiave", "oznake"),
    ),
    "related": ("related",),
    "media": ("media", "media_url", "image_url", "photo_url", "video_url"),
    "source_id": ("source_id",),
    "source_publisher": (
        *("source_publisher", "publisher", "source", "sources", "outlet", "newspaper", "medium"),
        *("quelle", "quellen", "herausgeber", "zeitung", "editeur", "journal", "fuente", "fuentes"),
        *("medio", "fonte", "fonti", "izvor", "izdavac"),
    ),
    "source_title": ("source_title", "article", "article_title", "source_headline"),
    "source_author": ("source_author", "author", "byline", "autor", "auteur", "autore"),
    "source_url": (
        *("source_url", "url", "link", "links", "website", "web", "source_link", "reference_url"),
        *("quelle_url", "adresse", "lien", "enlace", "collegamento"),
    ),
    "source_archive_url": ("source_archive_url", "archive_url", "archived_url", "archive"),
    "source_published": (
        *("source_published", "published", "publication_date", "date_published", "source_date"),
    ),
    "source_accessed": ("source_accessed", "accessed", "access_date", "date_accessed", "retrieved"),
    "source_language": ("source_language", "language", "sprache", "langue", "idioma", "lingua"),
    "source_quote": ("source_quote", "quote", "quotation", "zitat", "citation", "cita"),
}
# Words that make a header an actor in that role: `Alleged deployer`.
ROLE_WORDS: Final = frozenset(
    (
        *("attacker", "victim", "perpetrator", "target", "deployer", "developer", "harmed"),
        *("seller", "buyer", "party", "parties", "host", "guest", "organiser", "organizer"),
        *("owner", "plaintiff", "defendant", "signatory", "signatories", "speaker", "sponsor"),
        *("gast", "gastgeber", "redner", "kaeufer", "partner", "witness", "suspect"),
        *("donor", "recipient", "lender", "borrower", "operator", "supplier", "customer"),
        *("kaufer", "verkaufer", "opfer", "tater", "veranstalter", "vendeur", "acheteur"),
    )
)
# Headers whose numbers are quantities.
MEASURES: Final = frozenset(
    (
        *("fatalities", "deaths", "killed", "injured", "wounded", "casualties", "arrests"),
        *("participants_number", "crowd_size", "attendance", "displaced"),
    )
)
TIMELINE_SHEET: Final = frozenset(("headline", "display_date", "media", "background"))
