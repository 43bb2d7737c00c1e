"""Twelve kinds of job, and the skills that postings of each may ask for."""

from __future__ import annotations

from typing import NamedTuple


class Role(NamedTuple):
    """Titles of a role, what it is about, and its skills by name (see ``assay.verifiers.resume.aliases``)."""

    titles: tuple[str, ...]
    about: str
    skills: tuple[str, ...]


ROLES: dict[str, Role] = {
    "backend": Role(
        ("Backend Engineer", "Server Developer"),
        "You build the services behind our shop.",
        ("python", "java", "golang", "node.js", "rest api", "graphql", "microservices", "postgresql", "mongodb",
         "redis", "kafka", "docker", "unit testing"),
    ),
    "frontend": Role(
        ("Frontend Engineer", "Web Developer"),
        "You build the pages that our readers see.",
        ("javascript", "typescript", "react", "angular", "vue", "html", "css", "rest api", "graphql", "accessibility",
         "user interface", "unit testing", "version control"),
    ),
    "operations": Role(
        ("Platform Engineer", "Site Reliability Engineer"),
        "You keep our systems up.",
        ("kubernetes", "docker", "amazon web services", "google cloud platform", "microsoft azure",
         "continuous integration", "infrastructure as code", "configuration management", "linux", "monitoring",
         "shell scripting", "version control", "python"),
    ),
    "data": Role(
        ("Data Scientist", "Research Analyst"),
        "You find out what our numbers mean.",
        ("python", "machine learning", "deep learning", "natural language processing", "computer vision",
         "scikit-learn", "pytorch", "structured query language", "data visualization", "statistics", "apache spark",
         "a/b testing"),
    ),
    "analytics": Role(
        ("Data Engineer", "Reporting Engineer"),
        "You bring data to those who need it.",
        ("structured query language", "etl pipelines", "apache spark", "kafka", "business intelligence", "spreadsheets",
         "data visualization", "postgresql", "python", "amazon web services", "key performance indicators"),
    ),
    "mobile": Role(
        ("Mobile Developer", "App Engineer"),
        "You build our app for phones.",
        ("android", "ios", "kotlin", "swift", "java", "rest api", "user interface", "unit testing", "version control",
         "continuous integration", "test automation", "bug tracking"),
    ),
    "design": Role(
        ("Product Designer", "Interaction Designer"),
        "You decide how our product feels.",
        ("user experience", "user interface", "wireframing", "prototyping", "usability testing", "accessibility",
         "html", "css", "agile methods", "product roadmaps", "a/b testing", "market research"),
    ),
    "accounting": Role(
        ("Accountant", "Finance Officer"),
        "You keep our books.",
        ("financial accounting", "generally accepted accounting principles",
         "international financial reporting standards", "accounts payable", "accounts receivable", "tax preparation",
         "payroll", "auditing", "financial forecasting", "quickbooks", "enterprise resource planning", "spreadsheets"),
    ),
    "marketing": Role(
        ("Marketing Manager", "Growth Manager"),
        "You tell people about us.",
        ("search engine optimization", "pay per click", "customer relationship management", "content marketing",
         "social media marketing", "email marketing", "web analytics", "copywriting", "market research",
         "lead generation", "a/b testing", "key performance indicators"),
    ),
    "nursing": Role(
        ("Registered Nurse", "Ward Nurse"),
        "You look after people on our ward.",
        ("electronic health records", "cardiopulmonary resuscitation", "intravenous therapy", "patient assessment",
         "medication administration", "wound care", "infection control", "phlebotomy", "vital signs", "spreadsheets",
         "stakeholder management"),
    ),
    "logistics": Role(
        ("Logistics Coordinator", "Operations Planner"),
        "You see to it that goods arrive.",
        ("supply chain management", "inventory management", "procurement", "warehouse management", "demand planning",
         "lean manufacturing", "freight forwarding", "enterprise resource planning", "spreadsheets",
         "stakeholder management", "key performance indicators"),
    ),
    "people": Role(
        ("Personnel Officer", "People Partner"),
        "You look after those who work here.",
        ("talent acquisition", "employee onboarding", "performance reviews", "employee relations",
         "compensation and benefits", "labor law", "human resources information systems", "payroll", "spreadsheets",
         "stakeholder management", "key performance indicators"),
    ),
}  # fmt: skip
